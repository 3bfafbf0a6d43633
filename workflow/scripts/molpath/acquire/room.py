"""Compare free disk space with the announced sizes before downloading."""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from .transfer import NoRoom


def check_room(files: Sequence[Mapping[str, str]]) -> None:
    """Raise NoRoom if a file system has less free space (for this user: reported quotas count) than is missing.

    files: path, bytes ('' if unknown: not counted). What is already there, or in a partial file, needs no more space.
    """
    missing: defaultdict[int, int] = defaultdict(int)
    folder_of: dict[int, Path] = {}
    for file in files:
        folder = nearest_folder(file["path"])
        device = os.stat(folder).st_dev
        folder_of.setdefault(device, folder)
        if file["bytes"] and not os.path.exists(file["path"]):
            missing[device] += max(0, int(file["bytes"]) - _there(f"{file['path']}.part"))
    for device, needed in missing.items():
        free = shutil.disk_usage(folder_of[device]).free
        if free < needed:
            raise NoRoom(
                f"{folder_of[device]}: {needed / 1e9:,.1f} GB are to be downloaded, {free / 1e9:,.1f} GB are free. "
                "Make room, let key folder of the cohort (config, section acquire) name another disk, or cut "
                "rows out of the sheet."
            )


def nearest_folder(path: str | os.PathLike[str]) -> Path:
    """The nearest folder above a path that exists."""
    parents = Path(os.path.abspath(path)).parents
    return next(folder for folder in parents if folder.is_dir())


def _there(partial: str) -> int:
    """Bytes of a partial: a file, or the folder of a set."""
    if os.path.isdir(partial):
        return sum(entry.stat().st_size for entry in os.scandir(partial) if entry.is_file())
    return os.path.getsize(partial) if os.path.exists(partial) else 0
