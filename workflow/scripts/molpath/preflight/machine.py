"""This machine: GPU and driver against the environment's torch, memory, system limits."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator

from ..common.memory import memory_available
from .estimate import in_words
from .findings import Finding, note, ok, problem

#: Files a job has open at most (readers, pages of slides, shards of a store), with room to spare.
OPEN_FILES = 1024
#: Shared memory that NCCL and gloo use between processes of one training run.
SHARED_MEMORY_BYTES = 1e9
#: Bytes of memory that jobs of extract_features and of pretrain_run ask for at first.
EXTRACTION_BYTES, TRAINING_BYTES = 6e9, 16e9


def check_gpu(networks: bool) -> Finding:
    """GPU and driver against the CUDA that torch was built for, by a multiplication on the device.

    networks: whether a rule of the run uses a network at all.
    """
    driver = ask_driver()
    try:
        import torch
    except (ImportError, OSError) as error:
        return problem(
            "GPU", f"torch can't be imported: {error}", "install it (envs/features.yaml), or use --sdm conda"
        )
    built = f"torch {torch.__version__} ({'CUDA ' + torch.version.cuda if torch.version.cuda else 'no CUDA'})"
    if torch.cuda.is_available():
        return _try_gpu(torch, built, driver)
    if not driver:
        message = f"none found; {built}: networks run on the CPU"
        return (
            note("GPU", message, "on a cluster, run the doctor on a node with a GPU")
            if networks
            else ok("GPU", message)
        )
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return note("GPU", f"{driver}, hidden by an empty CUDA_VISIBLE_DEVICES: networks run on the CPU", "unset it")
    if not torch.version.cuda:
        remedy = "install torch built for CUDA (workflow/docs/clusters.md, GPUs), or the run takes the CPU"
        return problem("GPU", f"{driver}, but {built} can't use it", remedy)
    remedy = f"update the driver, or install torch built for an older CUDA than {torch.version.cuda}"
    return problem("GPU", f"{driver}, but {built} finds no device it can use", remedy)


def ask_driver() -> str:
    """Name, memory and driver of the GPUs from nvidia-smi; empty without one."""
    program = shutil.which("nvidia-smi")
    if not program:
        return ""
    query = [program, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        output = subprocess.run(query, capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ""
    gpu_lines = [line.strip() for line in output.splitlines() if line.strip()]
    return f"{len(gpu_lines)} x {gpu_lines[0]} (driver last)" if gpu_lines else ""


def _try_gpu(torch, built: str, driver: str) -> Finding:
    message = f"{driver or torch.cuda.get_device_name(0)}; {built}"
    try:
        ones = torch.ones(64, 64, device="cuda")
        right = float((ones @ ones).sum()) == 64.0**3
        free, total = torch.cuda.mem_get_info()
    except RuntimeError as error:
        remedy = "install torch built for this GPU and driver, or check whether other jobs hold its memory"
        return problem("GPU", f"{message}: a multiplication on it failed: {str(error).splitlines()[0]}", remedy)
    if not right:
        return problem("GPU", f"{message}: a multiplication gave a wrong result", "have the GPU looked at")
    message += f"; {in_words(free)} of {in_words(total)} free"
    return ok("GPU", message) if free > total / 2 else note("GPU", message, "another process holds much of its memory")


def check_limits(batch_bytes: float, processes: int, trains: bool = False) -> Iterator[Finding]:
    """Open files, shared memory against what batches and training processes need, memory.

    batch_bytes: patches that readers and encoder share in a job. processes: of the largest training run.
    trains: whether there is one.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    message = f"{soft} open files per process"
    if soft < OPEN_FILES:
        verdict = note if soft >= OPEN_FILES // 4 else problem
        yield verdict(
            "ulimit", message, f"ulimit -n {min(4096, hard) if hard > 0 else 4096} before you start Snakemake"
        )
    else:
        yield ok("ulimit", message)
    yield _shared_memory(processes)
    available, needed = memory_available(), max(EXTRACTION_BYTES + batch_bytes, TRAINING_BYTES * trains)
    message = f"{in_words(available)} available; the largest job takes up to {in_words(needed)}"
    remedy = "on this machine give Snakemake the limit (`--resources mem_mb=…`) or a smaller features: batch_size"
    yield ok("memory", message) if available >= needed else note("memory", message, remedy)


def _shared_memory(processes: int) -> Finding:
    if not os.path.isdir("/dev/shm"):
        return ok("shared memory", "this system has no /dev/shm, and batches of patches don't use it")
    size = shutil.disk_usage("/dev/shm").free
    message = (
        f"{in_words(size)} free in /dev/shm; batches of patches don't use it, training with several processes does"
    )
    if processes > 1 and size < SHARED_MEMORY_BYTES:
        remedy = f"give the container more (--shm-size 2g): a run of {processes} processes needs about 1 GB"
        return problem("shared memory", message, remedy)
    return ok("shared memory", message)
