"""Reader processes put pixels into shared memory: a native crash or a hang costs only one slide."""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from ..common.allocation import keep_freed_memory
from ..common.contained import is_out_of_memory, limit_memory
from ..common.joblog import die_with_parent
from ..slides.readers import open_slide
from .buffers import SharedBatches
from .geometry import Geometry
from .salvage import Reading, read_what_can_be_read

#: A reader that doesn't start within this many seconds indicates a problem of the machine, not of a slide.
START_DEADLINE_S = 180.0


@dataclass(frozen=True)
class Work:
    """Patches of one slide for some rows of one batch; works of one `lane` follow one another on the slide."""

    slide: int
    lane: int
    path: str
    geometry: Geometry
    coords: np.ndarray
    slot: int
    row: int


@dataclass
class Spent:
    """Seconds that readers spent: opening slides, reading patches, and how much of both on a processor."""

    opening: float = 0.0
    reading: float = 0.0
    processor: float = 0.0

    def __iadd__(self, other: Spent) -> Spent:
        self.opening += other.opening
        self.reading += other.reading
        self.processor += other.processor
        return self


@dataclass
class Outcome:
    """The result of a piece of work; if its pixels were read, `reason` is empty and `reading` describes each patch."""

    work: Work
    reason: str = ""
    detail: str = ""
    reading: Reading | None = None
    spent: Spent = field(default_factory=Spent)


@dataclass
class _Reader:
    process: Any
    connection: Connection
    started: float = field(default_factory=time.monotonic)
    ready: bool = False
    place: tuple[int, int] = (-1, -1)  # slide and lane it read last: the slide is open, the tiles at hand
    work: Work | None = None


class ReaderPool:
    """`count` reader processes, each with one piece of work at a time.

    A reader that dies or passes `deadline_s` on one piece is replaced, and the piece comes back with reason
    `crashed` or `timeout`; an exception comes back as `unreadable`, or `memory` if a slide needs more than
    `memory_mb` (0: no limit) in one reader. `opener` (path -> Slide) must be a function of a module, as processes
    are spawned. `spent` sums up the readers' time.
    """

    def __init__(
        self,
        count: int,
        batches: SharedBatches,
        deadline_s: float,
        opener: Callable = open_slide,
        memory_mb: float = 0,
    ):
        self.batches, self.deadline_s, self.opener, self.memory_mb = batches, deadline_s, opener, memory_mb
        self.spent = Spent()
        self.readers = [self._start() for _ in range(count)]

    def _start(self) -> _Reader:
        context = multiprocessing.get_context("spawn")
        parent_end, child_end = context.Pipe()
        process = context.Process(
            target=serve, args=(child_end, self.batches, self.opener, self.memory_mb), daemon=True
        )
        with _empty_main_module():
            process.start()
        child_end.close()
        return _Reader(process, parent_end)

    def has_idle(self) -> bool:
        """True if a reader waits for work."""
        return any(reader.work is None for reader in self.readers)

    def idle_places(self) -> set[tuple[int, int]]:
        """Slide and lane of what each idle reader read last."""
        return {reader.place for reader in self.readers if reader.work is None}

    def give(self, work: Work) -> None:
        """Hand work to an idle reader, if possible one that read this lane last, or has the slide open."""
        slide_and_lane = work.slide, work.lane
        idle = [reader for reader in self.readers if reader.work is None]
        reader = min(idle, key=lambda r: (r.place != slide_and_lane, r.place[0] != work.slide))
        try:
            reader.connection.send(work)
        except (BrokenPipeError, ConnectionResetError):  # it died while idle, so not because of this slide
            index = self.readers.index(reader)
            self._replace(index, "crashed")
            reader = self.readers[index]
            reader.connection.send(work)
        reader.work, reader.started, reader.place = work, time.monotonic(), slide_and_lane

    def let_go(self, slide: int) -> None:
        """Let idle readers close a slide that won't be read again, so that its file can be removed."""
        for reader in self.readers:
            if reader.work is None and reader.place[0] == slide:
                reader.place = (-1, -1)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    reader.connection.send(None)

    def outcomes(self, also_wait_for: Sequence[Any], timeout: float) -> list[Outcome]:
        """Wait until a reader is done, something in `also_wait_for` is readable or `timeout` seconds have passed."""
        readable = wait([*(r.connection for r in self.readers), *also_wait_for], timeout)
        results = []
        for index, reader in enumerate(self.readers):
            failure = ""
            if reader.connection in readable:
                try:
                    result = self._receive(reader)
                except (EOFError, OSError):
                    failure = "crashed"
                else:
                    results += [result] if result else []
            elif self._overdue(reader):
                failure = "timeout"
            if failure:
                results += self._replace(index, failure)
        return results

    def _receive(self, reader: _Reader) -> Outcome | None:
        message = reader.connection.recv()
        if message == "ready":
            reader.ready, reader.started = True, time.monotonic()
            return None
        work, reader.work = reader.work, None
        assert work is not None  # a ready reader answers work alone
        outcome = Outcome(work, *message)
        self.spent += outcome.spent
        return outcome

    def _overdue(self, reader: _Reader) -> bool:
        spent = time.monotonic() - reader.started
        if not reader.ready:
            return spent > START_DEADLINE_S
        return reader.work is not None and spent > self.deadline_s

    def _replace(self, index: int, reason: str) -> list[Outcome]:
        reader = self.readers[index]
        reader.process.kill()
        reader.process.join()
        reader.connection.close()
        if not reader.ready:
            raise RuntimeError(
                f"a reader process ended before it was ready (exit code {reader.process.exitcode}); "
                "this machine can't start or can't hold another process. The log has its last messages."
            )
        self.readers[index] = self._start()
        if reader.work is None:
            return []
        detail = f"the reader process ended with code {reader.process.exitcode}"
        if reason == "timeout":
            detail = f"reading {len(reader.work.coords)} patches took longer than {self.deadline_s:g} s"
        return [Outcome(reader.work, reason, detail)]

    def close(self) -> None:
        """End every reader at once."""
        for reader in self.readers:
            reader.process.kill()
            reader.process.join()
            reader.connection.close()


def serve(connection: Connection, batches: SharedBatches, opener: Callable, memory_mb: float = 0) -> None:
    """Body of a reader process: read work until the other end closes; None for work closes the slide."""
    die_with_parent()
    keep_freed_memory()  # tiles of one size come and go
    if memory_mb:
        limit_memory(memory_mb)
    connection.send("ready")
    path: str | None = None
    slide: Any = None
    while True:
        try:
            work = connection.recv()
        except EOFError:
            return
        if work is None:
            path, slide = None, None
            continue
        started, cpu_started, opened = time.perf_counter(), time.process_time(), 0.0
        try:
            if work.path != path:
                path, slide = None, None  # the old slide is closed before the new one takes its memory
                path, slide = work.path, opener(work.path)
                opened = time.perf_counter() - started
            target = batches.array[work.slot, work.row : work.row + len(work.coords)]
            reading = read_what_can_be_read(slide, work.coords, work.geometry, target)
        except Exception as error:
            path, slide = None, None  # a handle that failed once may fail again
            connection.send(_failure(error, memory_mb))
        else:
            spent = Spent(opened, time.perf_counter() - started - opened, time.process_time() - cpu_started)
            connection.send(("", "", reading, spent))


def _failure(error: Exception, memory_mb: float) -> tuple[str, str]:
    """Reason and detail of a slide that raised an error."""
    if memory_mb and is_out_of_memory(error):
        return "memory", f"reading it needs more than {memory_mb:g} MB (slides: memory_mb)"
    return "unreadable", f"{type(error).__name__}: {error}"


@contextlib.contextmanager
def _empty_main_module() -> Iterator[None]:
    """Keep spawned readers from rerunning the job's script, whose preamble unpickles all of Snakemake."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
