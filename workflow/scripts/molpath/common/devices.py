"""Where networks run: the first free GPU of this machine, or the CPU."""

from __future__ import annotations

import fcntl
import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

log = logging.getLogger(__name__)


@contextmanager
def take_device() -> Iterator[torch.device]:
    """The first GPU that no other job of this machine holds (waiting for one if need be), else the CPU.

    A lock file for each device, in the folder for temporary files, is held by the operating system as long
    as this process lives. CUDA_VISIBLE_DEVICES is respected; empty, it means the CPU.
    """
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    names = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    index, handle = _first_free(names)
    try:
        yield torch.device("cuda", index)
    finally:
        os.close(handle)


def _first_free(names: list[str], every_s: float = 2.0) -> tuple[int, int]:
    told = False
    while True:
        for index, name in enumerate(names):
            path = os.path.join(tempfile.gettempdir(), f"molpath-device-{name}.lock")
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return index, handle
            except BlockingIOError:
                os.close(handle)
        if not told:
            log.info("every GPU is taken by another job; waiting")
            told = True
        time.sleep(every_s)
