"""How this process reuses freed memory."""

from __future__ import annotations

import ctypes
import sys


def keep_freed_memory() -> None:
    """Ask glibc to keep freed blocks: giving activations back after each layer costs a third of EfficientNet's time.

    All threads must share the main heap for it: one of their own holds no block over 64 MB, which would come and go by
    mmap. How many heaps there may be is settled when a process makes its first thread, and pandas or torch make some
    when they are imported: so call this first. Without glibc it does nothing.
    """
    if sys.platform.startswith("linux"):
        threshold, trim, heaps, limit = -3, -1, -8, 1 << 30
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(threshold, limit)
            mallopt(trim, limit)
            mallopt(heaps, 1)
