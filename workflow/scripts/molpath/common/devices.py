"""Where networks run: the first free GPU of this machine, or the CPU."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from filelock import FileLock, Timeout

log = logging.getLogger(__name__)


#: Set by schedulers in jobs that were given a GPU.
GIVEN = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS", "GPU_DEVICE_ORDINAL", "CUDA_VISIBLE_DEVICES")
NONE = ("", "-1", "NoDevFiles", "none", "void")


class NoGpu(Exception):
    """A job that was promised a GPU finds none that it can use; the message says what to do."""


def check_promise(promised: bool) -> None:
    """Raises NoGpu if this job was promised a GPU and CUDA can't be used."""
    if promised and not torch.cuda.is_available():
        raise NoGpu(
            f"this job asked for a GPU, and PyTorch {torch.__version__} finds none that it can use: look at "
            "nvidia-smi and the build of PyTorch (software: torch: gpu), or set software: allow_cpu: true"
        )


@contextmanager
def take_device(promised: bool = False) -> Iterator[torch.device]:
    """The first GPU that no other job of this user holds on this machine (it waits for one), else the CPU.

    A lock file per device, in the folder for temporary files, is held by the operating system as long as this process
    lives. Each user has files of their own: filelock refuses those of others in folders like /tmp, whose owners could
    remove them. On a machine that several people share without a scheduler, set CUDA_VISIBLE_DEVICES, which is
    respected; empty, it means the CPU. Raises NoGpu if `promised` and CUDA can't be used.
    """
    check_promise(promised)
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    with take_gpus(1) as (index,):
        yield torch.device("cuda", index)


@contextmanager
def take_gpus(count: int) -> Iterator[list[int]]:
    """Indices of `count` GPUs that no other job of this user holds on this machine; waits until there are so many.

    All are taken at once or none, so that no two jobs wait for each other.
    """
    locks = _free(device_names(), count)
    try:
        yield sorted(locks)
    finally:
        for lock in locks.values():
            lock.release()


def gpu_was_given() -> bool:
    """True if the scheduler says that this job has a GPU."""
    return any(os.environ.get(name, "") not in NONE for name in GIVEN)


def device_names() -> list[str]:
    """A name for each device that CUDA shows: its UUID, or that of the slice (MIG) that was given to this job.

    Slices of one GPU share its UUID; CUDA shows a process one of them, named in CUDA_VISIBLE_DEVICES.
    """
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    names = []
    for index in range(torch.cuda.device_count()):
        is_slice = index < len(visible) and visible[index].startswith("MIG-")
        name = visible[index] if is_slice else str(torch.cuda.get_device_properties(index).uuid)
        names.append(name.replace("/", "-"))
    return names


def _free(names: list[str], count: int, every_s: float = 2.0) -> dict[int, FileLock]:
    """Locks of `count` devices, held, by the device's index."""
    waits = False
    while True:
        held: dict[int, FileLock] = {}
        for index, name in enumerate(names):
            lock = lock_of(name)
            with suppress(Timeout):
                lock.acquire()
                held[index] = lock
            if len(held) == count:
                return held
        for lock in held.values():
            lock.release()
        if not waits:
            log.info("%d of %d GPUs are free, and this job needs %d; waiting", len(held), len(names), count)
            waits = True
        time.sleep(every_s)


def lock_of(name: str) -> FileLock:
    """This user's lock of a device; to acquire it raises Timeout where another job holds it.

    Never a soft lock, which a killed job would leave behind.
    """
    path = Path(tempfile.gettempdir(), f"molpath-device-{name}-{os.getuid()}.lock")
    return FileLock(path, blocking=False, fallback_to_soft=False)
