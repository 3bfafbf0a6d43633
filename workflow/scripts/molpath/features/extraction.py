"""Features of all patches of a shard: what is up to date is taken as it is, the rest goes through one stream."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from ..common.allocation import keep_freed_memory
from ..common.files import remove_leftovers
from ..common.manifests import accepted, file_facts, read_manifest, set_aside, write_manifest
from ..common.progress import Progress
from ..common.reasons import OK
from ..common.settings.features import Encoder
from ..common.settings.tiles import Grid
from ..common.slide_parts import state_of
from ..common.stamps import is_current
from ..slides.readers import open_slide
from ..tiles.given import read_coords
from . import storage
from .damage import DROP, Tolerance
from .geometry import geometry_of
from .pace import Pace
from .precomputed import find_features
from .registry import PRECOMPUTED, check_adapter, describe, parameters_of, precision_of, weights_of
from .staging import stage

log = logging.getLogger(__name__)

COLUMNS = (
    "n_patches",
    "dim",
    "file",
    "bytes",
    "fingerprint",
    "dataset",
    "coords_scale",
    "patch_size_level0",
    "n_damaged",
    "damaged",
    "note",
    "precision",
    "weights",
)
#: Reasons of slides whose manifest row lists the patches that can't be read.
DAMAGED = ("damaged", "unreadable")
#: Feature files that may wait for the disk before the stream does.
WRITES_AHEAD = 4


def extract_shard(
    *,
    tiles: str,
    inspected: str,
    slides: Mapping[str, str],
    manifest: str,
    wsi: str,
    grid: Grid,
    encoder: Encoder,
    weights: Sequence[str] = (),
    given_sample: Sequence[str] = (),
    code: str,
    accept_other_code: bool = False,
    deadline_s: float = 120.0,
    memory_mb: float = 0,
    max_damaged_fraction: float = 0.1,
    damaged: str = DROP,
    threads: int = 1,
    scratch: str = "",
    scratch_gb: float = 100.0,
    allow_cpu: bool = True,
    gpu_build: bool = False,
    log_path: str | None = None,
    opener: Callable = open_slide,
) -> None:
    """Write one feature file a slide and the shard's manifest.

    tiles, inspected: manifests of the stages `tiles` and `slides`; slides: id -> path of the raw slide; grid: with
    `name`, `patch_size` and `magnification`; encoder: the config's entry with `name`. A slide whose pixels can't be
    read is set aside as unreadable, crashed, timeout (`deadline_s` for a few patches) or memory (more than
    `memory_mb` in one reader; 0: no limit). Of patches under damaged tiles, `max_damaged_fraction` at most are
    dropped or, with damaged: white, taken as white; a slide with more is set aside. scratch: folder of a local disk
    to which slides are copied while they are read, at most `scratch_gb` GB at a time; empty: they are read where
    they lie. Without `allow_cpu`, a job that has a GPU (`gpu_build` of PyTorch, or by the scheduler's word) ends with
    NoGpu where CUDA can't be used. Raises ForeignFile where another tool's file lies, OSError if the disk fails, and
    whatever the encoder raises.
    """
    keep_freed_memory()
    check_adapter(encoder["adapter"])
    rows = read_manifest(tiles)
    if encoder["adapter"] == PRECOMPUTED:
        seen = {row["slide_id"]: row for row in read_manifest(inspected)}
        limits = {"deadline_s": deadline_s, "memory_mb": memory_mb}
        write_manifest(manifest, find_features(rows, seen, encoder, wsi, grid, sample=given_sample, **limits), COLUMNS)
        return
    tolerance = Tolerance(max_damaged_fraction, damaged)
    progress = Progress(log_path, "features", len(rows))
    about = describe(encoder, weights)
    shard = _Shard(rows, slides, wsi, grid["name"], encoder, code, tolerance, progress, weights_of(about))
    seen = {row["slide_id"]: row for row in read_manifest(inspected)}
    identities = {slide_id: row.get("identity", "") for slide_id, row in seen.items()}
    shard.sort_out(identities, about, accept_other_code)
    if shard.waiting:
        from ..common.devices import gpu_was_given  # imports torch, which finished shards don't need

        paths = [slides[slide_id] for slide_id in shard.waiting]
        with stage(paths, scratch, scratch_gb) as staging:
            formats = [seen[slide_id].get("reader", "") for slide_id in shard.waiting]
            promised = not allow_cpu and (gpu_build or gpu_was_given())
            _encode(shard, slides, encoder, weights, deadline_s, memory_mb, threads, opener, staging, formats, promised)
    write_manifest(manifest, shard.last_look(), COLUMNS)


class _Shard:
    """Slides of a shard: results so far, and what waits for the encoder."""

    def __init__(
        self,
        rows,
        slides: Mapping[str, str],
        wsi: str,
        grid: str,
        encoder: Encoder,
        code: str,
        tolerance: Tolerance,
        progress: Progress,
        weights: str,
    ):
        self.slides = slides
        self.rows, self.wsi, self.grid, self.encoder, self.code = rows, Path(wsi), grid, encoder["name"], code
        self.tolerance, self.progress, self.precision = tolerance, progress, precision_of(encoder)
        self.weights = weights
        self.results: dict[str, dict[str, Any]] = {}
        self.seen: dict[str, tuple[int, ...]] = {}  # slide id -> mark of the file that its result tells of
        self.waiting: dict[str, dict[str, Any]] = {}  # slide id -> coords, attributes, inputs

    def sort_out(self, identities: Mapping[str, str], about: Mapping[str, Any], accept_other_code: bool) -> None:
        """Carry down what was set aside, take finished files, and note what is left to do."""
        for row in self.rows:
            slide_id = row["slide_id"]
            if row["status"] != OK:
                self.finish(set_aside(slide_id, row["reason"], row["detail"]))
                continue
            coords, attributes = read_coords(self.wsi / row["file"])
            if not len(coords):
                self.finish(set_aside(slide_id, "no_patches", "the patch file is empty"))
                continue
            inputs = storage.inputs_of(identities[slide_id], coords, attributes, about)
            path = self.path(slide_id)
            current = is_current(path, inputs, self.code, accept_other_code)
            if current and self.tolerance.holds_for(path, self.slides[slide_id]):
                self.finish(self.facts(slide_id), patches=len(coords))
            else:
                told = {"coords": coords, "attributes": attributes, "inputs": inputs}
                self.waiting[slide_id] = told | {"slide": state_of(self.slides[slide_id])}
        remove_leftovers(self.path("any").parent, {self.path(slide_id).name for slide_id in self.waiting})
        log.info("%d slides: %d finished before, %d to encode", len(self.rows), len(self.results), len(self.waiting))

    def path(self, slide_id: str) -> Path:
        """The feature file of a slide."""
        return storage.feature_path(self.wsi, self.grid, self.encoder, slide_id)

    def facts(self, slide_id: str) -> dict[str, Any]:
        """Manifest row of a slide whose file is written."""
        path = self.path(slide_id)
        self.seen[slide_id] = _mark(path)
        placed = {"dataset": "features", "coords_scale": 1, "precision": self.precision, "weights": self.weights}
        return accepted(slide_id, **storage.facts_of(path), **file_facts(path, self.wsi), **placed)

    def finish(self, row: dict[str, Any], patches: int = 0) -> None:
        """Keep the result of a slide."""
        self.results[row["slide_id"]] = row
        self.progress.step(1, patches)

    def last_look(self) -> list[dict[str, Any]]:
        """Results in sheet order, of the files as they are now.

        A second run on the same results, let in by `--unlock` while the first goes on, replaces files; on another
        machine the last bit of a feature may be another.
        """
        for slide_id, mark in list(self.seen.items()):
            if _mark(self.path(slide_id)) != mark:
                self.results[slide_id] = self.facts(slide_id)
        return [self.results[row["slide_id"]] for row in self.rows]

    def write(self, slide_id: str, features, focus, damaged, through_openslide: int) -> dict[str, Any]:
        """Write the file of a slide (in the writer's thread) and return its manifest row."""
        about, kept = self.waiting[slide_id], self.tolerance.kept(damaged)
        stamp = {"inputs": about["inputs"], "code": self.code}
        storage.write_features(
            self.path(slide_id),
            features[kept],
            focus[kept],
            about["coords"][kept],
            about["attributes"],
            stamp,
            self.encoder,
            self.tolerance.damage(about["coords"], damaged, about["slide"]),
            through_openslide,
        )
        return self.facts(slide_id)

    def told(self, task) -> dict[str, Any]:
        """Columns of the manifest on the damage of a slide that is set aside."""
        return self.tolerance.damage(task.coords, task.damaged).columns() if task.reason in DAMAGED else {}


class _Writer:
    """Writes finished slides behind the stream's back; an error of the disk comes up at the next slide."""

    def __init__(self, shard: _Shard):
        self.shard, self.pool, self.pending = shard, ThreadPoolExecutor(1), deque[Future]()
        self.busy_s = 0.0

    def take(self, task) -> None:
        """A slide came out of the stream, encoded or not."""
        if task.reason:
            if not os.path.exists(task.path):
                raise FileNotFoundError(
                    f"{task.path} was there when the run was planned and is gone: is its storage still mounted? "
                    "Slides done so far are kept."
                )
            log.warning("%s set aside (%s): %s", task.slide_id, task.reason, task.detail)
            self.shard.finish(set_aside(task.slide_id, task.reason, task.detail, **self.shard.told(task)))
            return
        if task.damaged is not None and task.damaged.any():
            log.warning("%s: %d of %d patches can't be read", task.slide_id, task.damaged.sum(), len(task.coords))
        read = task.features, task.focus, task.damaged, task.through_openslide
        self.pending.append(self.pool.submit(self._write, task.slide_id, *read))
        task.features = task.focus = None
        while self.pending and (self.pending[0].done() or len(self.pending) > WRITES_AHEAD):
            self.shard.finish(self.pending.popleft().result())

    def _write(self, *what) -> dict[str, Any]:
        began = time.perf_counter()
        try:
            return self.shard.write(*what)
        finally:
            self.busy_s += time.perf_counter() - began

    def close(self) -> None:
        """Wait for the last files."""
        while self.pending:
            self.shard.finish(self.pending.popleft().result())
        self.pool.shutdown()


def _encode(
    shard, slides, encoder, weights, deadline_s, memory_mb, threads, opener, staging, formats, promised
) -> None:
    """Run the waiting slides of `shard` through readers, encoder and writer."""
    # Imported here: a shard whose files are all up to date needs no torch.
    from ..common.devices import take_device
    from .buffers import SharedBatches
    from .devices import Runner, batch_rows, reader_count, state_precision
    from .encoders import build
    from .reading import ReaderPool
    from .stream import SlideTask, Stream

    tasks = [
        SlideTask(slide_id, slides[slide_id], about["coords"], geometry_of(about["attributes"]))
        for slide_id, about in shard.waiting.items()
    ]
    size = tasks[0].geometry.size
    if encoder.get("decode") == "half":
        opener = partial(opener, half_scale=True)
    with take_device(promised) as device, contextlib.ExitStack() as stack:
        rows = batch_rows(device, encoder.get("batch_size", 0), threads)
        readers = reader_count(device, encoder.get("workers", 0), threads, parameters_of(encoder), formats)
        piece_rows = max(4, min(32, rows // readers))
        # Enough batches for every reader to have its next piece while two are with the encoder.
        batches = SharedBatches(2 + -(-2 * readers * piece_rows // rows), rows, size)
        stack.callback(batches.close)
        pool = stack.enter_context(contextlib.closing(ReaderPool(readers, batches, deadline_s, opener, memory_mb)))
        runner = Runner(build(weights, encoder), device, rows, threads)
        stack.callback(runner.close)
        runner.lock_memory(batches.array)
        writer = stack.enter_context(contextlib.closing(_Writer(shard)))
        log.info("computing on %s", state_precision(device, shard.precision))
        log.info("%s: %d readers, batches of %d, %d threads", device, readers, rows, threads)
        pace = Pace(shard.progress, sum(len(task.coords) for task in tasks))
        judge = shard.tolerance.judge
        dtype = storage.STORED[encoder.get("store", "fp16")]
        stream = Stream(tasks, pool, runner, batches, piece_rows, writer.take, pace.step, dtype, staging, judge)
        stream.run()
        writer.close()
        log.info("%s", pace.summary(stream, writer.busy_s))


def _mark(path: Path) -> tuple[int, ...]:
    """What tells a file from another that took its place."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns
