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
from collections.abc import Iterable, Mapping
from pathlib import Path

from .digests import sha256_of
from .files import temporary_of, write_json

log = logging.getLogger(__name__)


def restore(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> bool:
    """Hard-link the kept files of `folder` to `outputs` (name -> path).

    False, and no file is linked, if not all are kept as they were: a damaged one is named in the log.
    """
    folder = Path(folder)
    if not _is_whole(folder, outputs):
        return False
    for name, path in outputs.items():
        _link(folder / name, Path(path))
    return True


def keep(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> None:
    """Hard-link `outputs` into `folder`, with the marker `complete` that holds their digests.

    The folder appears whole, for two jobs with one stamp may end at once, and on another machine the last bit may
    differ: the first one's files stay, unless they are damaged.
    """
    folder = Path(folder)
    ours = temporary_of(folder)
    shutil.rmtree(ours, ignore_errors=True)
    ours.mkdir(parents=True)
    for name, path in outputs.items():
        _link(Path(path), ours / name)
    write_json(ours / "complete", {name: sha256_of(ours / name) for name in outputs})
    try:
        if folder.exists() and not _is_whole(folder, outputs):
            shutil.rmtree(folder)
        if not folder.exists():
            ours.rename(folder)
    except OSError:  # another job put its folder there just now
        log.info("%s was kept by another job", folder)
    shutil.rmtree(ours, ignore_errors=True)


def _is_whole(folder: Path, names: Iterable[str]) -> bool:
    """True if all these files are kept in the folder as they were; a damaged one is named in the log."""
    marker = folder / "complete"
    if not marker.exists() or not all((folder / name).exists() for name in names):
        return False
    digests = _digests(marker)
    for name in names:
        if not isinstance(digests.get(name), str):
            log.warning("%s says no digest of %s: it is not taken, and the work is done again", marker, name)
            return False
        if sha256_of(folder / name) != digests[name]:
            log.warning("%s is damaged, or was changed: it is not taken, and the work is done again", folder / name)
            return False
    return True


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
