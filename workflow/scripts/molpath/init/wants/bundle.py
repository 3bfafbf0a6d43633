"""A bundle of predictors and new slides: from there to a table of predictions."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from ...study.bundle import BundleParts, read_bundle
from ...study.config import Config, Places
from ...study.problems import ProblemsFound
from ..draft import Draft, Refusal, kept, number, some
from ..label_table import plain
from ..labels import Joined, join, renamed
from ..names import safe_ids
from ..slide_files import look_at
from ..survival import TIME
from .features import SHEET, case_ids, sheet_of


def add_options(parser: argparse.ArgumentParser, wants: Any) -> None:
    """Options of this want, which goes with --slides."""
    told = "with --slides: predict them with the predictors of this folder (`snakemake bundle` writes it)"
    parser.add_argument("--bundle", metavar="DIR", help=told)
    told = "with --bundle: where weights lie that it names and does not hold (again for more)"
    parser.add_argument("--weights", metavar="NAME=FILE", action="append", help=told)


def bundle(options: argparse.Namespace) -> Draft:
    """A study that has nothing but a bundle and new slides."""
    if options.slides is None:
        raise Refusal("--bundle: name the slides to predict, too: --slides DIR")
    for name in ("grid", "encoder", "label"):
        if getattr(options, name):
            raise Refusal(f"--{name}: the bundle says it; leave it out")
    parts = read(options.bundle)
    found = look_at(Path(options.slides))
    draft = Draft({"slides": {"sheet": ""}})
    draft.config["predict"] = {"slides": SHEET, "bundle": kept(parts.folder, options.folder)}
    draft.guess("slides", f"{number(len(found.paths), 'file')} in {found.folder}", "--slides")
    draft.guess("predictors", f"{', '.join(parts.predictors)} of {parts.folder}", "--bundle")
    ids = safe_ids(list(found.paths), "slide")
    joined = join(list(found.paths), "slide", options, draft)
    joined = renamed(joined, ids, case_ids(joined))
    paths = {ids[name]: kept(path, options.folder) for name, path in found.paths.items()}
    draft.files[SHEET] = with_labels(sheet_of(joined, paths, options.mpp), joined, parts)
    take_weights(options.weights or [], parts, options.folder, draft.config)
    draft.notes += found.notes + notes_of_labels(joined, parts)
    draft.after.append(("snakemake predict", "predictions alone: results/predict/<model>/<task>/predictions.tsv"))
    return draft


def read(folder: str) -> BundleParts:
    """The bundle in a folder; raises Refusal where there is none, or it says what can't be."""
    try:
        return read_bundle(os.path.abspath(folder), Places())
    except ProblemsFound as problems:
        raise Refusal(f"--bundle {folder}: {str(problems).split(chr(10), 1)[1].strip()}") from None


def with_labels(sheet: str, joined: Joined, parts: BundleParts) -> str:
    """The slide sheet with those columns of the table of labels that predictors are validated by."""
    names = [name for name in parts.label_columns() if joined.labels and name in joined.labels.columns]
    header, *lines = sheet.splitlines()
    told = [(joined.rows_of.get(slide) or [{}])[0] for slide in joined.names]
    cells = (["", *(row.get(name, "") for name in names)] for row in told)
    rows = [line + "\t".join(more) for line, more in zip(lines, cells, strict=True)]
    return "\n".join([header + "".join(f"\t{name}" for name in names), *rows]) + "\n"


def notes_of_labels(joined: Joined, parts: BundleParts) -> list[str]:
    """Columns of the table of labels that are not taken, and what predictors read in place of those that are near."""
    if not joined.labels:
        return []
    table, wanted, notes = joined.labels, parts.label_columns(), []
    left = [name for name in table.columns if name not in wanted and name not in joined.ids]
    for name in list(left):
        alike = [one for one in wanted if one not in table.columns and is_alike(name, one)]
        if alike:
            left.remove(name)
            unit = unit_of(alike[0])
            other = f"write {unit} into a column of that name" if unit != unit_of(name) else "rename the column"
            notes.append(f"{name} of {table.name} is not taken: predictors read {alike[0]}: {other}")
    if left:
        notes.append(f"no predictor is validated by {some(left)} of {table.name}: not taken")
    return notes


def is_alike(one: str, other: str) -> bool:
    """True for names of columns that differ in their letters' case, signs between words, or unit of time."""
    stems = [TIME.fullmatch(plain(name)) for name in (one, other)]
    same = stems[0] and stems[1] and stems[0][1] == stems[1][1]
    return plain(one) == plain(other) or bool(same)


def unit_of(name: str) -> str:
    """The unit of time that a column is called after; '' for none."""
    found = TIME.fullmatch(plain(name))
    return found[2] if found else ""


def take_weights(given: list[str], parts: BundleParts, study: str, config: Config) -> None:
    """Put paths of weights into the config, at the keys that the bundle names."""
    needed = {one["name"]: one["key"].split("/") for one in parts.needed}
    for text in given:
        name, _, path = text.partition("=")
        if not needed:
            raise Refusal(f"--weights {text}: the bundle needs no weights of others; leave it out")
        if name not in needed or not path:
            raise Refusal(f"--weights {text}: write NAME=FILE, where NAME is one of: {', '.join(sorted(needed))}")
        section, below = config, parts.config
        for key in needed[name][:-1]:
            section, below = section.setdefault(key, {}), below.get(key, {})
            section |= {word: below[word] for word in ("kind", "adapter", "grid") if isinstance(below.get(word), str)}
        section[needed[name][-1]] = kept(path, study)
