"""Several processes on one batch, through torch.distributed: gloo on CPUs, NCCL on GPUs, one process without either.

The rule's job starts torchrun, and each of its processes runs process.py. On one node that needs nothing. For several,
MOLPATH_TORCHRUN holds the command to start torchrun with, such as
`srun --nodes=2 --ntasks-per-node=1 torchrun --nnodes=2 ...` (workflow/docs/clusters.md); variables in it are filled in.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from ..common.devices import check_promise, take_device, take_gpus
from ..common.files import write_json
from ..common.joblog import die_with_parent
from .job import Job

LIBRARY = Path(__file__).resolve().parents[2]
T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """This process among `size`: its rank and its device."""

    rank: int = 0
    size: int = 1
    device: torch.device = torch.device("cpu")

    def share(self, items: Sequence[T]) -> list[T]:
        """The items of this rank: every size-th."""
        return list(items[self.rank :: self.size])

    def by_rank(self, items: Sequence[T]) -> list[T]:
        """All items in the order in which `gather` puts the rows of the ranks."""
        return [item for rank in range(self.size) for item in items[rank :: self.size]]

    def gather(self, rows: torch.Tensor, counts: Sequence[int]) -> torch.Tensor:
        """Rows of all ranks below each other (`counts`: how many each has), the own ones with their graph.

        Every rank computes the whole loss from them, so its gradient of its own rows is exact, and the sum of the
        ranks' parameter gradients is the gradient of the whole batch. Nothing needs to go back through the gather.
        """
        if self.size == 1:
            return rows
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows.detach()
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        parts[self.rank] = rows
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def add_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace each gradient by the sum over all ranks, in one message; none counts as zeros.

        Not torch's DistributedDataParallel, whose step takes 1 to 19 % less time on CPUs: it arranges its messages in a
        first step and otherwise from the second on, so that with three processes or more the order of addition changes
        (6.5e-8 of the gradient), and a resumed run would not have the bytes of an uninterrupted one
        (tests/benchmarks/sum_gradients.py).
        """
        if self.size == 1:
            return
        gradients = []
        for parameter in parameters:
            parameter.grad = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            gradients.append(parameter.grad)
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        dist.all_reduce(flat)
        parts = torch.split(flat, [gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))

    def any(self, flag: bool) -> bool:
        """True on all ranks if it is on one."""
        if self.size == 1:
            return flag
        value = torch.tensor(float(flag), device=self.device)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return bool(value)

    def collect(self, value: T) -> list[T]:
        """The value of each rank, on all ranks."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        dist.all_gather_object(values, value)
        return values


class NoDevice(Exception):
    """Fewer GPUs than processes of the training, on a node or on all of them."""


def check_devices(processes: int, promised: bool = False) -> None:
    """A device for each of the processes of this node, where GPUs are used; raises NoDevice, and NoGpu where there are
    none that were promised."""
    check_promise(promised)
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if 0 < count < processes:
        raise NoDevice(
            f"{processes} processes of the training on this node, and {count} GPU{'s' * (count > 1)} that they see: "
            "ask for a GPU per process (resource gpu of pretrain_run, CUDA_VISIBLE_DEVICES), or lower "
            "training/processes"
        )


def check_alike(store: dist.Store, rank: int, size: int, device: str) -> None:
    """Share with the other processes, through their common store, on which device each computes.

    Raises NoDevice, in each of them, where some have a GPU and others don't: they would wait for each other.
    """
    store.set(f"device of {rank}", f"{device} {socket.gethostname()}")
    answers = [store.get(f"device of {other}").decode().split(" ", 1) for other in range(size)]
    without = [f"{other} on {node}" for other, (kind, node) in enumerate(answers) if kind == "cpu"]
    if 0 < len(without) < size:
        raise NoDevice(
            f"of {size} processes of the training {len(without)} see no GPU ({', '.join(without[:8])}), the others "
            "one each: give every process a GPU (resource gpu of pretrain_run, the driver of that node), or none "
            "(CUDA_VISIBLE_DEVICES empty)"
        )


@contextlib.contextmanager
def world(promised: bool = False) -> Iterator[World]:
    """This process's world, from the variables that torchrun sets; without them it is alone.

    Alone, it takes a GPU that no other job of this machine holds. Raises NoDevice, before the processes meet, where
    this one has no device of its own, and NoGpu where it was promised a GPU and can't use one.
    """
    size, local = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("LOCAL_RANK", 0))
    on_gpu = torch.cuda.is_available()
    if size == 1:
        with take_device(promised) as device:
            if on_gpu:
                torch.cuda.set_device(device)
            yield World(device=device)
        return
    check_devices(int(os.environ.get("LOCAL_WORLD_SIZE", local + 1)), promised)
    device = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    store, rank, _ = next(dist.rendezvous("env://"))
    check_alike(store, rank, size, device.type)
    dist.init_process_group("nccl" if on_gpu else "gloo", store=store, rank=rank, world_size=size)
    try:
        yield World(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()


class LaunchFailed(Exception):
    """A process of the training failed; the log holds its message."""


def launch(job: Job, processes: int) -> None:
    """Run `runs.train(job)` in `processes` processes; SIGTERM and SIGUSR1 go on to them.

    On this node they get GPUs that no other job of it holds, one each, where there are any. Raises LaunchFailed if one
    of them fails, also after a signal, so that a scheduler starts the job again, and NoDevice, before any starts, where
    this node has too few GPUs for them, or NoGpu.
    """
    elsewhere = shlex.split(os.path.expandvars(os.environ.get("MOLPATH_TORCHRUN", "")))
    if not elsewhere:
        check_devices(processes, job["promised_gpu"])
    if elsewhere or not torch.cuda.is_available():
        run_processes(job, processes, elsewhere, {})
        return
    with take_gpus(processes) as indices:
        run_processes(job, processes, elsewhere, {"CUDA_VISIBLE_DEVICES": named(indices)})


def named(indices: Sequence[int]) -> str:
    """CUDA_VISIBLE_DEVICES of processes that see only these of the GPUs that this one sees."""
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return ",".join(visible[index] if visible else str(index) for index in indices)


def run_processes(job: Job, processes: int, elsewhere: Sequence[str], devices: Mapping[str, str]) -> None:
    """Start torchrun - `elsewhere`, or on this node - and wait for it; devices: further environment variables."""
    path = Path(f"{job['state']}.job.json")
    write_json(path, job)
    own = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = list(elsewhere or own) + [
        "-m",
        "molpath.pretrain.process",
        str(path),
    ]
    modules = os.pathsep.join(filter(None, [str(LIBRARY), os.environ.get("PYTHONPATH", "")]))
    # An orphaned training would write the same files as its successor.
    environment = {**os.environ, "PYTHONPATH": modules, **devices}
    child = subprocess.Popen(command, env=environment, preexec_fn=die_with_parent)
    handlers = {
        number: signal.signal(number, lambda *_: child.send_signal(signal.SIGTERM))
        for number in (signal.SIGTERM, signal.SIGUSR1)
    }
    try:
        status = child.wait()
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        path.unlink(missing_ok=True)
    if status:
        raise LaunchFailed(f"training in {processes} processes ended with status {status}; see the log above")
