"""The slides of a shard during feature extraction: finished ones, waiting ones, and writing of files."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ..common.files import remove_leftovers
from ..common.manifests import accepted, file_facts, set_aside
from ..common.progress import Progress
from ..common.reasons import OK
from ..common.record import Record, check_intact, is_current
from ..common.settings.features import Encoder
from ..common.slide_parts import state_of
from ..tiles.given import read_coords
from . import storage
from .damage import Tolerance
from .registry import precision_of

log = logging.getLogger(__name__)

#: Reasons of slides whose manifest row lists the patches that can't be read.
DAMAGED = ("damaged", "unreadable")
#: Feature files that may wait for the disk before the stream does.
WRITES_AHEAD = 4


class Shard:
    """Slides of a shard: results so far, and what waits for the encoder; name: the shard's."""

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
        name: str = "",
    ):
        self.slides = slides
        self.rows, self.wsi, self.grid, self.encoder, self.code = rows, Path(wsi), grid, encoder["name"], code
        self.tolerance, self.progress, self.precision = tolerance, progress, precision_of(encoder)
        self.weights, self.record = weights, Record(name)
        self.results: dict[str, dict[str, Any]] = {}
        self.signatures: dict[str, tuple[int, ...]] = {}  # slide id -> signature of the file of its result
        self.waiting: dict[str, dict[str, Any]] = {}  # slide id -> coords, attributes, inputs

    def sort_out(self, identities: Mapping[str, str], description: Mapping[str, Any], accept_other_code: bool) -> None:
        """Copy slides set aside earlier, reuse finished files, and list the remaining work."""
        for row in self.rows:
            slide_id = row["slide_id"]
            if row["status"] != OK:
                self.finish(set_aside(slide_id, row["reason"], row["detail"]), kept=True)
                continue
            coords_path = self.wsi / row["file"]
            check_intact(coords_path, row.get("fingerprint", ""), self.record, "tile_slides")
            coords, attributes = read_coords(coords_path)
            if not len(coords):
                self.finish(set_aside(slide_id, "no_patches", "the patch file is empty"))
                continue
            inputs = storage.inputs_of(identities[slide_id], coords, attributes, description)
            path = self.path(slide_id)
            current = is_current(path, self.record, inputs, self.code, accept_other_code)
            if current and self.tolerance.holds_for(path, self.slides[slide_id]):
                self.finish(self.facts(slide_id), kept=True)
            else:
                waiting = {"coords": coords, "attributes": attributes, "inputs": inputs}
                self.waiting[slide_id] = waiting | {"slide": state_of(self.slides[slide_id])}
        remove_leftovers(self.path("any").parent, {self.path(slide_id).name for slide_id in self.waiting})
        log.info("%d slides: %d finished before, %d to encode", len(self.rows), len(self.results), len(self.waiting))

    def path(self, slide_id: str) -> Path:
        """The feature file of a slide."""
        return storage.feature_path(self.wsi, self.grid, self.encoder, slide_id)

    def facts(self, slide_id: str) -> dict[str, Any]:
        """Manifest row of a slide whose file is written."""
        path = self.path(slide_id)
        self.signatures[slide_id], row = _signature(path), self.record.row(path)
        placed = {"dataset": "features", "coords_scale": 1, "precision": self.precision, "weights": self.weights}
        return accepted(slide_id, **storage.facts_of(path), **file_facts(path, self.wsi, row), **placed)

    def finish(self, row: dict[str, Any], kept: bool = False) -> None:
        """Keep the result of a slide. kept: an earlier stage set it aside, or an earlier run encoded it."""
        self.results[row["slide_id"]] = row
        self.progress.step(aside="" if kept else row["reason"], kept=kept)

    def last_look(self) -> list[dict[str, Any]]:
        """Results in sheet order, of the files as they are now.

        A second run on the same results (after `--unlock` while the first is running) replaces files; on another
        machine the last bit of a feature may differ.
        """
        self.record.close([self.path("any").parent])
        for slide_id, signature in list(self.signatures.items()):
            if _signature(self.path(slide_id)) != signature:
                self.results[slide_id] = self.facts(slide_id)
        return [self.results[row["slide_id"]] for row in self.rows]

    def write(self, slide_id: str, features, focus, damaged, through_openslide: int) -> dict[str, Any]:
        """Write the file of a slide (in the writer's thread) and return its manifest row."""
        waiting, selection = self.waiting[slide_id], self.tolerance.kept(damaged)
        stamp = {"inputs": waiting["inputs"], "code": self.code}
        storage.write_features(
            self.path(slide_id),
            features[selection],
            focus[selection],
            waiting["coords"][selection],
            waiting["attributes"],
            stamp,
            self.encoder,
            self.tolerance.damage(waiting["coords"], damaged, waiting["slide"]),
            through_openslide,
            self.record.writing,
        )
        return self.facts(slide_id)

    def damage_columns(self, task) -> dict[str, Any]:
        """Columns of the manifest about the damage of a slide that is set aside."""
        return self.tolerance.damage(task.coords, task.damaged).columns() if task.reason in DAMAGED else {}


class Writer:
    """Writes finished slides in the background; a disk error is raised at the next slide."""

    def __init__(self, shard: Shard):
        self.shard, self.pool, self.pending = shard, ThreadPoolExecutor(1), deque[Future]()
        self.busy_s = 0.0

    def take(self, task) -> None:
        """Take a slide from the stream, encoded or not."""
        if task.reason:
            if not os.path.exists(task.path):
                raise FileNotFoundError(
                    f"{task.path} was there when the run was planned and is gone: is its storage still mounted? "
                    "Slides done so far are kept."
                )
            log.warning("%s set aside (%s): %s", task.slide_id, task.reason, task.detail)
            self.shard.finish(set_aside(task.slide_id, task.reason, task.detail, **self.shard.damage_columns(task)))
            return
        if task.damaged is not None and task.damaged.any():
            log.warning("%s: %d of %d patches can't be read", task.slide_id, task.damaged.sum(), len(task.coords))
        arrays = task.features, task.focus, task.damaged, task.through_openslide
        self.pending.append(self.pool.submit(self._write, task.slide_id, *arrays))
        task.features = task.focus = None
        while self.pending and (self.pending[0].done() or len(self.pending) > WRITES_AHEAD):
            self.shard.finish(self.pending.popleft().result())

    def _write(self, *arguments) -> dict[str, Any]:
        started = time.perf_counter()
        try:
            return self.shard.write(*arguments)
        finally:
            self.busy_s += time.perf_counter() - started

    def close(self) -> None:
        """Wait for the last files."""
        while self.pending:
            self.shard.finish(self.pending.popleft().result())
        self.pool.shutdown()


def _signature(path: Path) -> tuple[int, ...]:
    """A signature that distinguishes a file from a replacement."""
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns
