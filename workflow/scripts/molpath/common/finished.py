"""Finished work of the dear stages, recognised by contents and hard-linked back into place.

Snakemake reruns everything below a job that ran again, and deletes outputs first, even when the bytes
turn out the same. Training again from the same inputs would be waste: so pretrain and embed keep their
results, undeclared, in `results/<stage>/.finished/<stamp>/`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .files import temporary_of


def restore(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> bool:
    """Hard-link the kept files of `folder` to `outputs` (name -> path). False if not all are kept."""
    folder = Path(folder)
    if not (folder / "complete").exists() or not all((folder / name).exists() for name in outputs):
        return False
    for name, path in outputs.items():
        _link(folder / name, Path(path))
    return True


def keep(folder: str | os.PathLike[str], outputs: Mapping[str, str | os.PathLike[str]]) -> None:
    """Hard-link `outputs` into `folder`; the marker `complete` comes last."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, path in outputs.items():
        _link(Path(path), folder / name)
    (folder / "complete").touch()


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_of(target)
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:  # a file system without hard links: a copy is right, only larger
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)
