"""Runs batches through the encoder on a GPU or CPU; number of patches and readers for the machine."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch

from .interface import Encoder

log = logging.getLogger(__name__)

#: Patches that one CPU thread encodes at a time. In one thread torch leaves 1 x 1 convolutions of fewer than 16 images
#: to a kernel that makes EfficientNet-Lite0 half as slow again; more than 16 only make activations larger.
CPU_ROWS = 16
#: Batches given to the encoder at a time, so that the device has the next one when it finishes one.
GPU_STREAMS = 2
#: Messages of errors that mean out of memory, but are not OutOfMemoryError.
NO_MEMORY = (
    "can't allocate memory",
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUSOLVER_STATUS_ALLOC_FAILED",
)
#: Milliseconds of a core to read a patch of 512 pixels: JPEG tiles, and other formats.
READING_MS = {"jpeg_tiles": 8.0}
OTHER_READING_MS = 40.0
#: Milliseconds to encode a patch for each million parameters: a core, and a recent GPU in half precision.
ENCODING_MS = {"cpu": 5.0, "cuda": 0.006}
#: Readers per reader that would keep up with a GPU on average.
SPARE = 1.5


class Runner:
    """Encodes batches in the background, rows in, fp16-ready float32 out.

    On the CPU, each of `threads` threads takes CPU_ROWS patches at a time, alone: this is both faster than
    one batch over all threads and makes results independent of batch size, batch composition and number of
    threads: rounding follows the shape of a call (libraries choose kernels by it), so every call has the same,
    the last rows of a batch padded. On a GPU a whole batch is a call, and each of GPU_STREAMS threads has a stream of
    its own, so that one copies a batch while the other encodes. A call that runs out of memory is halved,
    for good; from then on features may differ in the last bit.
    """

    def __init__(self, encoder: Encoder, device: torch.device, batch_rows: int, threads: int):
        self.device = device
        self.encoder = encoder.to(device)
        on_cpu = device.type == "cpu"
        self.rows = CPU_ROWS if on_cpu else batch_rows
        self.step = self.rows
        if on_cpu:
            torch.set_num_threads(1)
        self.workers = threads if on_cpu else GPU_STREAMS
        self.pool = ThreadPoolExecutor(self.workers, thread_name_prefix="encoder")
        self.busy_s = 0.0  # of all workers together
        self.own = threading.local()
        if not on_cpu:
            torch.cuda.synchronize(device)  # weights are in place before other streams look at them

    def lock_memory(self, batches: np.ndarray) -> None:
        """Let a GPU copy directly from `batches`, in parallel with its work. They must stay mapped while in use."""
        if self.device.type == "cuda":
            runtime = torch.cuda.cudart()
            if runtime.cudaHostRegister(batches.ctypes.data, batches.nbytes, 0) != runtime.cudaError.success:
                log.warning("memory for batches can't be locked (ulimit -l): copies to the GPU are slower")

    def submit(self, batch: np.ndarray) -> list[Future]:
        """Encode uint8 n x P x P x 3; futures of float32 rows x dim, in order. `batch` must stay as it is."""
        return [self.pool.submit(self._timed, batch[i : i + self.step]) for i in range(0, len(batch), self.step)]

    def _timed(self, patches: np.ndarray) -> np.ndarray:
        started = time.perf_counter()
        try:
            return self._encode(patches)
        finally:
            self.busy_s += time.perf_counter() - started

    def _encode(self, patches: np.ndarray) -> np.ndarray:
        rows = self.rows
        try:
            outputs = [self._call(patches[i : i + rows], rows) for i in range(0, len(patches), rows)]
            return np.concatenate(outputs)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if not is_out_of_memory(error) or rows == 1:
                raise
        self.rows = min(self.rows, rows // 2)
        log.warning("out of memory with %d patches at a time; continuing with %d", rows, self.rows)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return self._encode(patches)

    def _call(self, patches: np.ndarray, rows: int) -> np.ndarray:
        count = len(patches)
        if count < rows:
            patches = np.concatenate([patches, np.zeros((rows - count, *patches.shape[1:]), np.uint8)])
        with self._stream():
            batch = torch.from_numpy(patches).to(self.device, non_blocking=True)
            return self.encoder(batch)[:count].to("cpu", torch.float32).numpy()

    def _stream(self) -> AbstractContextManager:
        """The calling thread's own stream of a GPU."""
        if self.device.type != "cuda":
            return nullcontext()
        if not hasattr(self.own, "stream"):
            self.own.stream = torch.cuda.Stream(self.device)
        return torch.cuda.stream(self.own.stream)

    def close(self) -> None:
        """Cancel what hasn't begun and wait for the rest."""
        self.pool.shutdown(cancel_futures=True)


def is_out_of_memory(error: BaseException) -> bool:
    """True for what torch raises when a device, or the machine, has no memory left.

    CUDA libraries that can't allocate their workspace raise other errors.
    """
    return isinstance(error, torch.OutOfMemoryError) or any(message in str(error) for message in NO_MEMORY)


def batch_rows(device: torch.device, requested: int, threads: int) -> int:
    """Patches per batch: as the config says, else by the device."""
    if requested:
        return requested
    if device.type == "cpu":
        return max(32, 2 * CPU_ROWS * threads)
    free = torch.cuda.mem_get_info(device)[0]
    return 256 if free > 32 << 30 else 128 if free > 16 << 30 else 64


def reader_count(
    device: torch.device, requested: int, threads: int, parameters: float = 0, formats: Sequence[str] = ()
) -> int:
    """Reader processes: as the config says, else as many as keep up with the encoder.

    parameters: of the network, in millions; 0: unknown, then half the threads beside a CPU encoder and all but one
    beside a GPU. formats: the reader of each slide (`slides.readers`), as JPEG 2000 takes five times as long as JPEG.
    """
    if requested:
        return requested
    limit = max(1, threads - 1)
    if not parameters:
        return max(1, threads // 2) if device.type == "cpu" else limit
    costs = [READING_MS.get(name, OTHER_READING_MS) for name in formats] or [OTHER_READING_MS]
    reading, encoding = sum(costs) / len(costs), parameters * ENCODING_MS[device.type]
    if device.type == "cpu":
        return max(1, min(limit, round(threads * reading / (reading + encoding))))
    return max(1, min(limit, math.ceil(SPARE * reading / encoding)))


def state_precision(device: torch.device, precision: str) -> str:
    """Keep TF32, which rounds inputs to 10 bits, out of float32 computations, and say what is computed in."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    description = "float32 without TF32" if precision in ("", "fp32") else f"{precision} (autocast), the rest float32"
    return f"{name}, {description}"
