"""Writing a bundle: one folder with predictors and everything needed to apply them elsewhere, except third-party
weights."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..common.bundles import CONFIG, CONTENTS, LAYOUT, PAGE, SUMS, files_of, sums_of, sums_of_needed
from ..common.digests import digest_of
from ..common.files import atomic_path, write_json, write_text
from .stored import own_digest, read_facts, text_of

log = logging.getLogger(__name__)

#: Folders of a bundle whose files only the bundle writes.
OURS = ("predictors/", "models/")


def write_bundle(
    *,
    folder: str,
    files: Mapping[str, str],
    weights: Sequence[str],
    contents: Mapping[str, Any],
    sections: Mapping[str, Any],
) -> None:
    """Write the bundle `folder`; its list of checksums comes last, so that a folder with one is complete.

    files: path of each file, by its name in the bundle; weights: third-party files, named by their SHA-256,
    in the order of those of `contents["needed"]` that are `given`; sections: of the config, by which new slides become
    embeddings. Raises FileExistsError for a file in the folder that is none of a bundle's.
    """
    needed = _with_sums(contents["needed"], weights)
    names = {*files, CONTENTS, CONFIG, PAGE, SUMS}
    clear(folder, names)
    for name, path in files.items():
        if name.endswith("/predictor.json"):
            write_text(f"{folder}/{name}", text_of(without_names(read_facts(Path(path)))))
            continue
        with atomic_path(f"{folder}/{name}") as temporary:
            shutil.copyfile(path, temporary)
    write_text(f"{folder}/{CONFIG}", yaml.safe_dump(dict(sections), sort_keys=True, allow_unicode=True))
    stated = {"layout": LAYOUT, "predictors": list(contents["predictors"]), "needed": needed}
    write_json(f"{folder}/{CONTENTS}", stated)
    write_text(f"{folder}/{PAGE}", page(stated))
    write_text(f"{folder}/{SUMS}", sums_of(folder))
    log.info("%s: %d files, %d third-party files listed", folder, len(names), len(needed))


def clear(folder: str, names: set[str]) -> None:
    """Take out what an earlier bundle held and this one doesn't; raises FileExistsError for what isn't a bundle's."""
    for name, _ in sorted(files_of(folder)):
        if name in names:
            continue
        if not name.startswith(OURS):
            raise FileExistsError(f"{folder}/{name} is none of a bundle's files: move it away, and run again")
        os.unlink(f"{folder}/{name}")


def without_names(facts: dict[str, Any]) -> dict[str, Any]:
    """Facts of a predictor with digests for the names of its training cases and slides: bundles are shared.

    Someone who knows a case's name can check whether it was trained on; names can't be read. Their places stay, for
    calibration counts by them.
    """
    training = facts["training"]
    slides = {digest_of(name): identity for name, identity in training["slides"].items()}
    anonymous_training = training | {
        "cases": [digest_of(name) for name in training["cases"]],
        "slides": slides,
        "digests": True,
    }
    anonymous_facts = facts | {"training": anonymous_training}
    return anonymous_facts | {"sha256": own_digest(anonymous_facts)}


def _with_sums(needed: Sequence[Mapping[str, Any]], weights: Sequence[str]) -> list[dict[str, Any]]:
    """What the bundle doesn't hold, with the SHA-256 of each file."""
    paths, summed = iter(weights), []
    for file in needed:
        stated = {key: value for key, value in file.items() if key != "given"}
        summed.append(stated | {"files": sums_of_needed(next(paths)) if file["given"] else {}})
    return summed


def page(contents: Mapping[str, Any]) -> str:
    """README.md of a bundle: its use, and what else it needs."""
    names = "".join(f"- `{name}`: predictors/{name}/card.md\n" for name in contents["predictors"])
    lines = [
        f"- `{file['key']}`: {', '.join(part for part in (file['name'], file['revision'], file['source']) if part)}"
        + "".join(f"; SHA-256 `{digest}`" for digest in file["files"].values() if len(file["files"]) == 1)
        + (" (fetched by the workflow)" if file["fetched"] else "")
        for file in contents["needed"]
    ]
    needs = "It holds all that is needed." if not lines else "\n".join([NEEDS, *lines])
    return PAGE_TEXT.format(names=names, needs=needs)


NEEDS = """\
It holds no third-party weights. Those that the workflow doesn't fetch itself are named in your config at the key
that precedes each; they are compared with these checksums before any work.
"""
PAGE_TEXT = """\
# Predictors for new slides

Research software: no medical device, and not for the care of patients. Each card says what a predictor was trained on.

{names}
With the workflow installed, in a folder of your own:

```bash
molpath init new --bundle THIS_FOLDER --slides SLIDES
cd new && snakemake predict
```

or in a config: `predict: {{bundle: THIS_FOLDER, slides: new_slides.tsv}}`, then `snakemake predict`. The tables are in
`results/predict/<model>/<task>/predictions.tsv`. Every file is checked against `checksums.tsv` first.

## What else it needs

{needs}
"""
