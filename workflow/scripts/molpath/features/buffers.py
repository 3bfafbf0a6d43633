"""Batches of patches in memory that reader processes and the encoder share."""

from __future__ import annotations

import mmap
import os
import tempfile
from multiprocessing.reduction import DupFd

import numpy as np


class SharedBatches:
    """`slots` batches of `rows` patches, uint8 slots x rows x size x size x 3.

    The memory has no name anywhere: it ends with the last process that maps it, also after kill -9, and isn't
    bound by the size of /dev/shm, which containers keep small. It travels to readers as a file descriptor.
    """

    def __init__(self, slots: int, rows: int, size: int):
        self.shape = (slots, rows, size, size, 3)
        self.descriptor = _anonymous_file()
        os.ftruncate(self.descriptor, int(np.prod(self.shape)))
        self._map()

    def _map(self) -> None:
        self.memory = mmap.mmap(self.descriptor, int(np.prod(self.shape)))
        self.array = np.frombuffer(self.memory, np.uint8).reshape(self.shape)

    def __getstate__(self):
        return self.shape, DupFd(self.descriptor)

    def __setstate__(self, state):
        self.shape, descriptor = state
        self.descriptor = descriptor.detach()
        self._map()

    def close(self) -> None:
        """Give up the descriptor; the memory goes with the array."""
        os.close(self.descriptor)


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("molpath-patches")
    with tempfile.TemporaryFile() as file:  # macOS
        return os.dup(file.fileno())
