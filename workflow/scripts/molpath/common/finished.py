"""Finished work of the dear stages, recognised by contents and hard-linked back into place.

Snakemake reruns everything below a job that ran again, and deletes outputs first, even when the bytes
turn out the same. Training again from the same inputs would be waste: so pretrain and embed keep their
results, undeclared, in `results/<stage>/.finished/<stamp>/`. The marker `complete` holds the SHA-256 of each of
them: a file that has changed since is not given back.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .digests import sha256_of
from .files import temporary_of, write_json

log = logging.getLogger(__name__)


def restore(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> bool:
    """Hard-link the kept files of `folder` to `outputs` (name -> path).

    False, and no file is linked, if not all are kept as they were: a damaged one is named in the log.
    """
    folder = Path(folder)
    marker = folder / "complete"
    if not marker.exists() or not all((folder / name).exists() for name in outputs):
        return False
    digests = _digests(marker)
    for name in outputs:
        if not isinstance(digests.get(name), str):
            log.warning("%s says no digest of %s: it is not taken, and the work is done again", marker, name)
            return False
        if sha256_of(folder / name) != digests[name]:
            log.warning("%s is damaged, or was changed: it is not taken, and the work is done again", folder / name)
            return False
    for name, path in outputs.items():
        _link(folder / name, Path(path))
    return True


def keep(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> None:
    """Hard-link `outputs` into `folder`; the marker `complete` with their digests comes last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in outputs.items():
        _link(Path(path), folder / name)
    write_json(folder / "complete", {name: sha256_of(folder / name) for name in outputs})


def _digests(marker: Path) -> dict[str, object]:
    """SHA-256 by name, as the marker says; none where it can't be read, or is of a version that recorded none."""
    try:
        found = json.loads(marker.read_text(encoding="utf-8"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_of(target)
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:  # a file system without hard links: a copy is right, only larger
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)
    temporary.unlink(missing_ok=True)  # it stays where both names were the same file before
