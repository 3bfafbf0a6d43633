"""What the present config and sheets ask for, and the removal of what earlier runs exported beside it."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from ..common.files import is_temporary, temporary_of, write_text

log = logging.getLogger(__name__)


def write_outputs(paths: Iterable[str], results: str | os.PathLike[str], output: str | os.PathLike[str]) -> None:
    """Write the paths, relative to `results`, one per line and sorted; one outside of `results` is left out.

    Raises ValueError where none is left: Snakemake had no plan of these results.
    """
    names = {Path(os.path.relpath(path, results)).as_posix() for path in paths}
    inside = sorted(name for name in names if not name.startswith("../"))
    if not inside:
        raise ValueError(
            f"{results}: no job that writes a result is planned; run `snakemake export` without --allowed-rules"
        )
    write_text(output, "".join(f"{name}\n" for name in inside))


def read_outputs(path: str | os.PathLike[str]) -> frozenset[str]:
    """Paths below the results folder, as `write_outputs` wrote them."""
    return frozenset(Path(path).read_text(encoding="utf-8").splitlines())


def remove_outdated(paths: Iterable[Path], kept: Collection[Path]) -> list[Path]:
    """Remove files and folders of an earlier run, all `paths` but those kept; the log names each. Returns them."""
    outdated = sorted(set(paths) - set(kept))
    for path in outdated:
        log.warning("%s is removed: the config and sheets don't ask for it now", path)
        if path.is_dir() and not path.is_symlink():
            remove_folder(path)
        else:
            path.unlink()
    return outdated


def remove_folder(path: Path) -> None:
    """Remove a folder, or a link to one. It loses its name first: half of it, after a kill, never looks whole."""
    if path.is_symlink():
        path.unlink()
        return
    if not is_temporary(path):
        nameless = temporary_of(path)
        shutil.rmtree(nameless, ignore_errors=True)
        path = path.rename(nameless)
    shutil.rmtree(path)


def remove_below(folder: Path, kept: Collection[Path]) -> None:
    """Remove everything below a folder but what is kept, all that it holds, and the folders that it lies in."""
    parents = {parent for path in kept for parent in path.parents}
    entries = set(folder.iterdir()) if folder.is_dir() else set()
    remove_outdated(entries, parents | set(kept))
    for path in sorted(entries & parents - set(kept)):
        remove_below(path, kept)
