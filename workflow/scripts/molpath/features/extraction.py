"""Features of all patches of a shard: files that are up to date are reused, the rest goes through one stream."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from ..common.allocation import keep_freed_memory
from ..common.manifests import read_manifest, write_manifest
from ..common.progress import Progress
from ..common.settings.features import Encoder
from ..common.settings.tiles import Grid
from ..slides.readers import open_slide
from . import storage
from .damage import DROP, Tolerance
from .geometry import geometry_of
from .pace import Pace
from .precomputed import find_features
from .registry import PRECOMPUTED, check_adapter, describe, parameters_of, weights_of
from .shard import Shard, Writer
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
    """Write one feature file per slide and the shard's manifest.

    tiles, inspected: manifests of the stages `tiles` and `slides`; slides: id -> path of the raw slide; grid: with
    `name`, `patch_size` and `magnification`; encoder: the config's entry with `name`. A slide whose pixels can't be
    read is set aside as unreadable, crashed, timeout (`deadline_s` for a few patches) or memory (more than
    `memory_mb` in one reader; 0: no limit). Of patches under damaged tiles, `max_damaged_fraction` at most are
    dropped or, with damaged: white, taken as white; a slide with more is set aside. scratch: folder of a local disk
    to which slides are copied while they are read, at most `scratch_gb` GB at a time; empty: they are read in
    place. Without `allow_cpu`, a job that has a GPU (`gpu_build` of PyTorch, or assigned by the scheduler) ends with
    NoGpu if CUDA can't be used. Raises ForeignFile if another tool's file is in the way, OSError if the disk fails, and
    what the encoder raises.
    """
    keep_freed_memory()
    check_adapter(encoder["adapter"])
    rows = read_manifest(tiles)
    if encoder["adapter"] == PRECOMPUTED:
        inspected_rows = {row["slide_id"]: row for row in read_manifest(inspected)}
        limits = {"deadline_s": deadline_s, "memory_mb": memory_mb}
        write_manifest(
            manifest, find_features(rows, inspected_rows, encoder, wsi, grid, sample=given_sample, **limits), COLUMNS
        )
        return
    tolerance = Tolerance(max_damaged_fraction, damaged)
    progress = Progress(log_path, "features", len(rows))
    description = describe(encoder, weights)
    name, weight_digests = Path(manifest).stem, weights_of(description)
    shard = Shard(rows, slides, wsi, grid["name"], encoder, code, tolerance, progress, weight_digests, name)
    inspected_rows = {row["slide_id"]: row for row in read_manifest(inspected)}
    identities = {slide_id: row.get("identity", "") for slide_id, row in inspected_rows.items()}
    shard.sort_out(identities, description, accept_other_code)
    if shard.waiting:
        from ..common.devices import gpu_was_given  # imports torch, which finished shards don't need

        paths = [slides[slide_id] for slide_id in shard.waiting]
        with stage(paths, scratch, scratch_gb) as staging:
            formats = [inspected_rows[slide_id].get("reader", "") for slide_id in shard.waiting]
            promised_gpu = not allow_cpu and (gpu_build or gpu_was_given())
            _encode(
                shard, slides, encoder, weights, deadline_s, memory_mb, threads, opener, staging, formats, promised_gpu
            )
    write_manifest(manifest, shard.last_look(), COLUMNS)


def _encode(
    shard, slides, encoder, weights, deadline_s, memory_mb, threads, opener, staging, formats, promised_gpu
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
        SlideTask(slide_id, slides[slide_id], item["coords"], geometry_of(item["attributes"]))
        for slide_id, item in shard.waiting.items()
    ]
    size = tasks[0].geometry.size
    if encoder.get("decode") == "half":
        opener = partial(opener, half_scale=True)
    with take_device(promised_gpu) as device, contextlib.ExitStack() as stack:
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
        writer = stack.enter_context(contextlib.closing(Writer(shard)))
        log.info("computing on %s", state_precision(device, shard.precision))
        log.info("%s: %d readers, batches of %d, %d threads", device, readers, rows, threads)
        pace = Pace(shard.progress, sum(len(task.coords) for task in tasks))
        judge = shard.tolerance.judge
        dtype = storage.STORED[encoder.get("store", "fp16")]
        stream = Stream(tasks, pool, runner, batches, piece_rows, writer.take, pace.step, dtype, staging, judge)
        stream.run()
        writer.close()
        log.info("%s", pace.summary(stream, writer.busy_s))
