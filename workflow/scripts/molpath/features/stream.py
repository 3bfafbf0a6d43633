"""One stream over the slides of a shard: readers fill batches, the encoder empties them, slides come out complete.

Rows of batches are assigned to slides in advance, in order and across slide borders. A slide that fails leaves
its rows unused: nothing else moves. A fixed number of batches in memory bounds what readers can run ahead.

Neighbouring patches share tiles of the file, and whoever reads them one after another decodes these once. So the
patches of a slide are dealt in lanes, one for each reader, and in each lane in an order that a reader's memory of
tiles can follow (`reading_order`).
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from .buffers import SharedBatches
from .devices import Runner
from .geometry import Geometry
from .reading import Outcome, ReaderPool, Work
from .salvage import Reading
from .staging import InPlace, Staging

#: Patches side by side in the order of reading: few enough for a reader to hold the tiles they touch.
STRIP = 12


@dataclass
class SlideTask:
    """A slide to be encoded: its path, coordinates (int64 N x 2, level-0 pixels), geometry of a patch.

    `order` says how it is read (`reading_order`); `unread` and `left` count patches not yet read and not yet encoded.
    `focus` (float32 N), `damaged` (bool N: patches that can't be read) and the number of patches `through_openslide`
    are filled in by readers, `features` by the encoder.
    """

    slide_id: str
    path: str
    coords: np.ndarray
    geometry: Geometry
    features: np.ndarray | None = None
    focus: np.ndarray | None = None
    damaged: np.ndarray | None = None
    through_openslide: int = 0
    order: np.ndarray | None = None
    left: int = 0
    unread: int = 0
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Piece:
    """Patches `first` to `first + count` of a slide, in its reading order, at row `row` of a batch."""

    slide: int
    lane: int
    first: int
    count: int
    row: int


@dataclass
class Batch:
    """A batch in memory: `waiting` pieces not yet read, then futures of its features."""

    slot: int
    pieces: list[Piece]
    waiting: int
    futures: list[Future] = field(default_factory=list)


def reading_order(coords: np.ndarray, edge: int, lanes: int) -> np.ndarray:
    """Indices (N) of patches at `coords` (int N x 2) of `edge` level-0 pixels in the order they are read.

    Each lane is a run of consecutive patches, in which strips of STRIP patches' width are read row by row from top to
    bottom: a patch then comes soon after those to its left and above. `lane_bounds` says where the lanes end.
    """
    lane = np.searchsorted(lane_bounds(len(coords), lanes)[1:], np.arange(len(coords)), side="right")
    return np.lexsort((coords[:, 0], coords[:, 1], coords[:, 0] // (STRIP * edge), lane))


def lane_bounds(count: int, lanes: int) -> list[int]:
    """Where each lane of `count` patches begins, and the last ends."""
    return [count * lane // lanes for lane in range(lanes + 1)]


def deal_pieces(counts: Sequence[int], piece_rows: int, lanes: int) -> Iterator[tuple[int, int, int, int]]:
    """Slide, lane, first patch and number of patches of every piece: lanes of a slide in turn, slides in order."""
    for slide, count in enumerate(counts):
        bounds = lane_bounds(count, lanes)
        longest = max(end - start for start, end in pairwise(bounds))
        for step in range(0, longest, piece_rows):
            for lane, (start, end) in enumerate(pairwise(bounds)):
                if start + step < end:
                    yield slide, lane, start + step, min(piece_rows, end - start - step)


def plan(counts: Sequence[int], batch_rows: int, piece_rows: int, lanes: int = 1) -> Iterator[list[Piece]]:
    """Deal the patches of slides (`counts`) to batches of `batch_rows`, in pieces of at most `piece_rows`.

    The last piece of a batch is cut where the batch is full; what is left of it opens the next.
    """
    pieces, row = [], 0
    for slide, lane, first, count in deal_pieces(counts, piece_rows, lanes):
        while count:
            size = min(count, batch_rows - row)
            pieces.append(Piece(slide, lane, first, size, row))
            first, count, row = first + size, count - size, row + size
            if row == batch_rows:
                yield pieces
                pieces, row = [], 0
    if pieces:
        yield pieces


class Stream:
    """Runs slides through readers and encoder; `done(task)` is called once per slide, in the order they finish.

    `task.features` (`dtype`, N x dim) and `task.focus` (float32 N) are filled in, or `task.reason` and
    `task.detail` say why not. `judge` gives reason and detail of a slide with too many damaged patches (bool N).
    `encoded` gets the number of patches of each batch, and for how many seconds the encoder has been idle
    so far.
    """

    def __init__(
        self,
        tasks: list[SlideTask],
        pool: ReaderPool,
        runner: Runner,
        batches: SharedBatches,
        piece_rows: int,
        done: Callable[[SlideTask], None],
        encoded: Callable[[int, float], None],
        dtype: type = np.float16,
        staging: InPlace | Staging | None = None,
        judge: Callable[[np.ndarray], tuple[str, str] | None] = lambda damaged: None,
    ):
        self.tasks, self.pool, self.runner, self.memory = tasks, pool, runner, batches.array
        self.done, self.encoded, self.dtype = done, encoded, dtype
        self.judge = judge
        self.staging = staging or InPlace([task.path for task in tasks])
        lanes = len(pool.readers)
        for task in tasks:
            task.left = task.unread = len(task.coords)
            task.order = reading_order(task.coords, task.geometry.size_level0, lanes)
        self.plan = plan([len(task.coords) for task in tasks], self.memory.shape[1], piece_rows, lanes)
        self.free = deque(range(self.memory.shape[0]))
        self.unread: deque[tuple[Batch, Piece]] = deque()  # pieces no reader has yet
        self.reading: dict[tuple[int, int], tuple[Batch, Piece]] = {}  # by slot and row
        self.encoding: deque[Batch] = deque()
        self.began = time.perf_counter()
        self.starting_s = 0.0  # until the encoder had its first batch
        self.encoder_idle_s = 0.0  # without a batch from then on
        self._bell, self._ring = socket.socketpair()  # rung by the encoder's threads
        self._bell.setblocking(False)
        self.staging.ready = lambda: self._ring.send(b".")

    def run(self) -> None:
        """Run until every slide is done. Errors of the encoder end it; the caller closes readers and runner."""
        try:
            has_more, self.began = True, time.perf_counter()
            while has_more or self.unread or self.reading or self.encoding:
                has_more = self._load() and has_more
                self._hand_out()
                if self.reading or self.encoding or self.unread:
                    self._wait()
                self._collect()
        finally:
            wait([future for batch in self.encoding for future in batch.futures])

    def _load(self) -> bool:
        """Assign planned batches to free slots. False at the end of the plan."""
        while self.free:
            pieces = next(self.plan, None)
            if pieces is None:
                return False
            batch = Batch(self.free.popleft(), pieces, len(pieces))
            self.unread.extend((batch, piece) for piece in pieces)
        return True

    def _hand_out(self) -> None:
        while self.unread and self._can_go_on(self.unread[0][1].slide):
            batch, piece = self._next_piece()
            task = self.tasks[piece.slide]
            if task.reason:
                self._piece_is_in(batch)
                continue
            coords = task.coords[self._patches(piece)]
            self.reading[batch.slot, piece.row] = batch, piece
            path = self.staging.path_of(piece.slide)
            assert path is not None  # _can_go_on asked for it
            self.pool.give(Work(piece.slide, piece.lane, path, task.geometry, coords, batch.slot, piece.row))

    def _can_go_on(self, slide: int) -> bool:
        """True if the next slide needs no more reading, or is available while a reader is free."""
        return bool(self.tasks[slide].reason or (self.pool.has_idle() and self.staging.path_of(slide)))

    def _next_piece(self) -> tuple[Batch, Piece]:
        """Take the first unread piece that continues where an idle reader stopped, else the first."""
        idle = self.pool.idle_places()
        matches = (i for i, (_, piece) in enumerate(self.unread) if (piece.slide, piece.lane) in idle)
        index = next(matches, 0)
        chosen = self.unread[index]
        del self.unread[index]
        return chosen

    def _patches(self, piece: Piece) -> np.ndarray:
        """Indices of a piece's patches in its slide."""
        order = self.tasks[piece.slide].order
        assert order is not None  # set before the first piece
        return order[piece.first : piece.first + piece.count]

    def _wait(self) -> None:
        idle = not self.encoding
        started = time.perf_counter()
        for outcome in self.pool.outcomes([self._bell], timeout=1.0):
            self._piece_is_read(outcome)
        if idle and self.starting_s:
            self.encoder_idle_s += time.perf_counter() - started

    def _piece_is_read(self, outcome: Outcome) -> None:
        batch, piece = self.reading.pop((outcome.work.slot, outcome.work.row))
        task = self.tasks[piece.slide]
        task.unread -= piece.count
        if outcome.reading and outcome.reading.damaged.any():
            self.staging.path_of(piece.slide)  # raises if it isn't the slide that failed but its copy
        if outcome.reason and not task.reason:
            self.staging.path_of(piece.slide)
            self._give_up(task, outcome.reason, outcome.detail)
        elif outcome.reading and not task.reason:
            self._note(task, self._patches(piece), outcome.reading)
        if task.reason or not task.unread:
            self.pool.let_go(piece.slide)
            self.staging.release(piece.slide)
        self._piece_is_in(batch)

    def _note(self, task: SlideTask, patches: np.ndarray, reading: Reading) -> None:
        """Store a reading of the patches of these indices. The last one decides on a damaged slide."""
        if task.focus is None or task.damaged is None:
            task.focus, task.damaged = np.empty(len(task.coords), np.float32), np.zeros(len(task.coords), bool)
        task.focus[patches], task.damaged[patches] = reading.focus, reading.damaged
        task.through_openslide += reading.through_openslide
        if not task.unread and (verdict := self.judge(task.damaged)):
            self._give_up(task, *verdict)

    def _give_up(self, task: SlideTask, reason: str, detail: str) -> None:
        task.reason, task.detail, task.features = reason, detail, None
        self.done(task)

    def _piece_is_in(self, batch: Batch) -> None:
        """Count a finished piece; after its last one the batch goes to the encoder, if any of it is needed."""
        batch.waiting -= 1
        if batch.waiting:
            return
        needed = [piece for piece in batch.pieces if not self.tasks[piece.slide].reason]
        if not needed:
            self.free.append(batch.slot)
            return
        rows = needed[-1].row + needed[-1].count
        self.starting_s = self.starting_s or time.perf_counter() - self.began
        batch.futures = self.runner.submit(self.memory[batch.slot, :rows])
        for future in batch.futures:
            future.add_done_callback(lambda _: self._ring.send(b"."))
        self.encoding.append(batch)

    def _collect(self) -> None:
        """Take in every batch that is encoded, in the order they were submitted."""
        with contextlib.suppress(BlockingIOError):
            self._bell.recv(4096)
        while self.encoding and all(future.done() for future in self.encoding[0].futures):
            batch = self.encoding.popleft()
            values = np.concatenate([future.result() for future in batch.futures])
            self.free.append(batch.slot)
            count = sum(self._take_in(piece, values) for piece in batch.pieces)
            self.encoded(count, self.starting_s + self.encoder_idle_s)

    def _take_in(self, piece: Piece, values: np.ndarray) -> int:
        task = self.tasks[piece.slide]
        if task.reason:
            return 0
        if task.features is None:
            task.features = np.empty((len(task.coords), values.shape[1]), self.dtype)
        with np.errstate(over="ignore"):  # overflow is looked for where the file is written
            task.features[self._patches(piece)] = values[piece.row : piece.row + piece.count]
        task.left -= piece.count
        if task.left == 0:
            self.done(task)
        return piece.count
