"""How much memory this machine has left."""

from __future__ import annotations

import os


def memory_available() -> float:
    """Bytes of memory a new process can have: what the kernel says, or the limit of this control group."""
    amount = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        with open("/proc/meminfo") as handle:
            amount = next(int(line.split()[1]) * 1024 for line in handle if line.startswith("MemAvailable"))
        with open("/sys/fs/cgroup/memory.max") as handle:
            limit = handle.read().strip()
        return min(amount, int(limit)) if limit.isdigit() else amount
    except (OSError, StopIteration):
        return amount
