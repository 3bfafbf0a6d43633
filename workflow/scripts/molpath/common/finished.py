"""Finished work of the expensive stages, recognised by contents and copied back into place.

Snakemake reruns everything below a job that ran again, and deletes outputs first, even when the bytes
turn out the same. Training again from the same inputs would be waste: so pretrain and embed keep their
results, undeclared, in `results/<stage>/.finished/<stamp>/`. The marker `complete` holds the SHA-256 of each of
them: a file that has changed since is discarded, with the work that it belongs to. Kept files and outputs are never
the same file: editing one leaves the other unchanged. A file system that shares blocks (XFS, Btrfs) stores them once.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from .digests import sha256_of
from .files import atomic_path, temporary_of, write_json

log = logging.getLogger(__name__)


def restore(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> bool:
    """Copy the kept files of `folder` to `outputs` (name -> path).

    False, and no file is copied, unless all are kept unchanged: a damaged one is logged, and the folder
    removed.
    """
    folder = Path(folder)
    if not (folder / "complete").exists():
        return False
    if not _is_whole(folder, outputs):
        shutil.rmtree(folder, ignore_errors=True)
        return False
    for name, path in outputs.items():
        with atomic_path(path) as temporary:
            copy(folder / name, temporary)
    return True


def keep(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> None:
    """Copy `outputs` into `folder`, with the marker `complete` that holds their digests.

    The folder appears atomically, for two jobs with one stamp may end at once, and on another machine the last bit may
    differ: the first one's files stay, unless they are damaged.
    """
    folder = Path(folder)
    staging = temporary_of(folder)
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for name, path in outputs.items():
        copy(Path(path), staging / name)
    write_json(staging / "complete", {name: sha256_of(path) for name, path in outputs.items()})
    try:
        if folder.exists() and not _is_whole(folder, outputs):
            shutil.rmtree(folder)
        if not folder.exists():
            staging.rename(folder)
    except OSError:  # another job put its folder there just now
        log.info("%s was kept by another job", folder)
    shutil.rmtree(staging, ignore_errors=True)


def _is_whole(folder: Path, names: Iterable[str]) -> bool:
    """True if all these files are kept in the folder unchanged; a damaged one is logged."""
    marker = folder / "complete"
    if not marker.exists():
        return False
    digests = _digests(marker)
    for name in names:
        if not isinstance(digests.get(name), str):
            log.warning("%s has no digest of %s: it is removed, and the work is done again", marker, name)
            return False
        if not (folder / name).is_file() or sha256_of(folder / name) != digests[name]:
            log.warning("%s is damaged, or was changed: it is removed, and the work is done again", folder / name)
            return False
    return True


def _digests(marker: Path) -> dict[str, object]:
    """SHA-256 by name, from the marker; empty if it can't be read, or is of a version that recorded none."""
    try:
        content = json.loads(marker.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def copy(source: Path, target: Path) -> None:
    """Copy a file in the kernel, which shares blocks if the file system can."""
    with open(source, "rb") as reader, open(target, "wb") as writer:
        try:
            while os.copy_file_range(reader.fileno(), writer.fileno(), 1 << 30):
                pass
        except (OSError, AttributeError) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
                raise
            reader.seek(0)  # the offsets of the files have moved
            writer.seek(0)
            shutil.copyfileobj(reader, writer, 1 << 20)


def damaged(folder: str | os.PathLike[str]) -> list[Path]:
    """Files of a kept folder that differ from its marker, for `verify`."""
    folder = Path(folder)
    digests = _digests(folder / "complete")
    if not digests:
        return [folder / "complete"]
    return [
        folder / name
        for name, digest in sorted(digests.items())
        if not (folder / name).is_file() or sha256_of(folder / name) != digest
    ]
