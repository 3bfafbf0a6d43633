"""How much memory is available to a new process on this machine."""

from __future__ import annotations

import os
from pathlib import Path

#: Files of a control group that hold its limit in bytes ("max": none), by its controllers in /proc/self/cgroup: the
#: one hierarchy of version 2 names none.
LIMITS = {"": "memory.max", "memory": "memory.limit_in_bytes"}


def memory_available(proc: str = "/proc", groups: str = "/sys/fs/cgroup") -> float:
    """Bytes of memory available to a new process: by the kernel, or the smallest limit of its control groups.

    A scheduler's job is a group of its own, below others that may be tighter. proc, groups: where the kernel
    mounts its files.
    """
    amount = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    try:
        with open(f"{proc}/meminfo") as handle:
            amount = next(int(line.split()[1]) * 1024.0 for line in handle if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        pass
    return min([amount, *group_limits(proc, groups)])


def group_limits(proc: str, groups: str) -> list[float]:
    """Limits in bytes of the control groups of this process and of those above them, of both versions.

    In a container the path of a group may be the host's: then nothing is there, and the visible root is the
    container's own.
    """
    try:
        lines = Path(proc, "self/cgroup").read_text().splitlines()
    except OSError:
        lines = []
    limits = []
    for line in ["0::/", *lines]:
        _, controllers, path = line.split(":", 2)
        for controller in set(controllers.split(",")) & set(LIMITS):
            root = Path(groups, controller)
            group_folder = root / path.lstrip("/")
            for folder in (group_folder, *group_folder.parents):
                limits += read_limit(folder / LIMITS[controller])
                if folder == root:
                    break
    return limits


def read_limit(path: Path) -> list[float]:
    """The limit in a file; none if the file is missing, or holds no number."""
    try:
        text = path.read_text().strip()
    except OSError:
        return []
    return [float(text)] if text.isdigit() else []
