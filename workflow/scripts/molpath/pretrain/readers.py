"""Reading ahead: several threads fill a ring of buffers with the patches of the next steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import torch

from ..common.settings.pretrain import Training
from .store import PatchStore

#: Buffers of the ring: one is computed from while the other is filled.
SLOTS = 2
T = TypeVar("T")
B = TypeVar("B")


def readers_of(settings: Training) -> int:
    """Threads that read for one process: as the config says, but no more than the cores that the process has."""
    return max(1, min(settings["readers"], settings["threads"] // settings["processes"]))


@dataclass
class Bags:
    """Patches (float16 T x D) of some slides, stacked, and how many each has; complete after `wait`."""

    patches: torch.Tensor
    lengths: list[int]
    reading: list[Future[None]] = field(default_factory=list)

    def wait(self) -> None:
        """Until all patches are there. Raises what a reader raised, of several the first in the order of slides."""
        for future in self.reading:
            future.result()


class Slot:
    """A buffer for the patches of one step, in pinned memory where a GPU takes them from it; it grows to the largest.

    pool: threads that read; without it `start` reads itself.
    """

    def __init__(self, pool: Executor | None = None, pinned: bool = False):
        self.pool, self.pinned = pool, pinned
        self.buffer = torch.empty((0, 0), dtype=torch.float16)

    def start(self, store: PatchStore, slide_ids: Sequence[str], count: int | None, firsts: Sequence[int]) -> Bags:
        """Begin to read samples of some slides into the buffer, in their order whichever is read first; what was in it
        before is lost."""
        lengths = [store.rows(slide_id, count) for slide_id in slide_ids]
        if len(self.buffer) < sum(lengths):
            self.buffer = torch.empty((0, 0), dtype=torch.float16)  # free the old one first
            self.buffer = torch.empty((sum(lengths), store.dim), dtype=torch.float16, pin_memory=self.pinned)
        bags = Bags(self.buffer[: sum(lengths)], lengths)
        parts = [part.numpy() for part in torch.split(bags.patches, lengths)] if lengths else []
        for slide_id, first, part in zip(slide_ids, firsts, parts, strict=True):
            if self.pool is None:
                store.read_into(slide_id, first, part)
            else:
                bags.reading.append(self.pool.submit(store.read_into, slide_id, first, part))
        return bags


class Ring:
    """`SLOTS` buffers and the threads that fill them: no more memory than that of the SLOTS largest steps.

    A thread draws what each step reads, in the order of steps, and `readers` threads read it. So random numbers, order
    and bytes are those of one reader.
    """

    def __init__(self, readers: int, device: torch.device):
        self.readers, self.device = readers, device
        self.slots = [Slot(pinned=device.type == "cuda") for _ in range(SLOTS)]

    def ahead(self, items: Iterable[T], draw: Callable[[T, Slot], B]) -> Generator[B]:
        """What `draw` makes of each item, in order, with patches read into the slot it is given.

        The next one is drawn and read meanwhile. Patches of one are there until the next is asked for. Close the
        iterator to end the threads (contextlib.closing), also after an error; they end after the slide they are at.
        """
        with ThreadPoolExecutor(1, "draw") as drawing, ThreadPoolExecutor(self.readers, "read") as pool:
            try:
                waiting: deque[Future[B]] = deque()
                for number, item in enumerate(items):
                    slot = self.slots[number % SLOTS]
                    slot.pool = pool
                    waiting.append(drawing.submit(draw, item, slot))
                    if len(waiting) == SLOTS:
                        yield waiting.popleft().result()
                        self._computed()
                while waiting:
                    yield waiting.popleft().result()
                    self._computed()
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                drawing.shutdown(wait=False, cancel_futures=True)

    def _computed(self) -> None:
        """Wait until the device has taken what it was given from a buffer that is filled next."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
