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
    """The first GPU that no other job of this machine holds (waiting for one if need be), else the CPU.

    A lock file for each device, in the folder for temporary files, is held by the operating system as long
    as this process lives. CUDA_VISIBLE_DEVICES is respected; empty, it means the CPU. Raises NoGpu if `promised` and
    CUDA can't be used.
    """
    check_promise(promised)
    if not torch.cuda.is_available():
        yield torch.device("cpu")
        return
    with take_gpus(1) as (index,):
        yield torch.device("cuda", index)


@contextmanager
def take_gpus(count: int) -> Iterator[list[int]]:
    """Indices of `count` GPUs that no other job of this machine holds; waits until there are so many.

    All are taken at once or none, so that no two jobs wait for each other.
    """
    taken = _free(device_names(), count)
    try:
        yield sorted(taken)
    finally:
        for handle in taken.values():
            os.close(handle)


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


def _free(names: list[str], count: int, every_s: float = 2.0) -> dict[int, int]:
    """Lock files of `count` devices, held, by the device's index."""
    told = False
    while True:
        held: dict[int, int] = {}
        for index, name in enumerate(names):
            handle = _open_lock(os.path.join(tempfile.gettempdir(), f"molpath-device-{name}.lock"))
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held[index] = handle
            except BlockingIOError:
                os.close(handle)
            if len(held) == count:
                return held
        for handle in held.values():
            os.close(handle)
        if not told:
            log.info("%d of %d GPUs are free, and this job needs %d; waiting", len(held), len(names), count)
            told = True
        time.sleep(every_s)


def _open_lock(path: str) -> int:
    """Open a lock file of whatever user: to hold a lock it need not be written to."""
    while True:
        try:
            # Without O_CREAT, which the system refuses for files of others in folders like /tmp.
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        except PermissionError:
            log.warning("%s belongs to a user who keeps others from it: a GPU may be shared by two jobs", path)
            path = f"{path}.{os.getuid()}"
            continue
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
        except FileExistsError:  # another job was faster
            continue
        os.fchmod(handle, 0o644)  # whatever the umask
        return handle
