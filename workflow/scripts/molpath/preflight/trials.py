"""Encoders and slide encoders are built as jobs will build them, and run once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from ..common.contained import Lost, as_sendable, map_contained
from ..common.requests import EncoderTrial, SlideEncoderTrial
from ..features.registry import PRECOMPUTED
from .findings import Finding, note, ok, problem

T = TypeVar("T")
#: Seconds after which a trial ends: the largest weights are 5 GB.
DEADLINE_S = 900.0
#: Patches of the bag that a slide encoder gets, in rows of this many, and their distance in level-0 pixels.
BAG, SIDE, EDGE = 16, 4, 1024
#: Environments in which features and embeddings are made (envs/), for users who let Snakemake deploy them.
SAME_BUILD = (
    "torch, torchvision and timm must be of one build: install the versions of envs/requirements.lock from one index, "
    "or let Snakemake make environments (--sdm conda)"
)


def try_encoders(encoders: Sequence[EncoderTrial]) -> Iterator[Finding]:
    """One patch through each patch encoder; without its weights through an empty network of its kind.

    encoders: {name, adapter, config, files, edge}: entry of the config, files of its weights, pixels of a patch.
    """
    jobs = [job for job in encoders if job["adapter"] != PRECOMPUTED]
    for job, result in map_contained(_encode, jobs, DEADLINE_S):
        check = f"trial of encoder {job['name']}"
        remedy = f"name the right file: features: encoders: {job['name']}: weights (workflow/docs/encoders.md)"
        yield _finding_of(check, result, remedy)


def try_slide_encoders(models: Sequence[SlideEncoderTrial], deployed: bool) -> Iterator[Finding]:
    """A bag of patches through each foreign slide encoder.

    models: {name, model, weights, width}: entry of the config, its weights, numbers per patch. deployed: their jobs
    run in an environment that Snakemake makes, which is not this one.
    """
    if deployed:
        for job in models:
            reason = "its jobs run in an environment of their own (envs/pretrain.yaml)"
            yield note(
                f"trial of model {job['name']}",
                f"not tried: {reason}",
                "after the first run check results/logs/embed",
            )
        return
    for job, result in map_contained(_embed, models, DEADLINE_S):
        remedy = f"see workflow/docs/encoders.md for what {job['model']['kind']} needs"
        if "runs on a GPU only" in str(result):
            remedy = "run the doctor on a node with a GPU, as clusters.md says, and embed there"
        yield _finding_of(f"trial of model {job['name']}", result, remedy)


def _finding_of(check: str, result: Any, remedy: str) -> Finding:
    """The finding of a trial's result: words, or an exception."""
    if isinstance(result, str):
        return ok(check, result)
    if isinstance(result, Lost) and result.reason == "memory":
        return problem(check, f"it ran out of memory: {result}", "try on a machine with more memory, or on a GPU node")
    message = f"{type(result).__name__}: {str(result).strip() or 'without a word'}"
    if isinstance(result, Lost):
        return problem(
            check, f"it ended without a result: {result}", "check whether other processes use the memory or the GPU"
        )
    if isinstance(result, ImportError) or "torchvision" in message:
        remedy = SAME_BUILD
    return problem(check, f"it can't run here: {message.splitlines()[0]}", remedy)


def _contained(work: Callable[[T], str], job: T) -> str | Exception:
    """What a trial says; errors are returned instead of raised, to keep the log short."""
    try:
        return work(job)
    except Exception as error:
        return as_sendable(error)


def _encode(job: EncoderTrial) -> str | Exception:
    return _contained(_encode_patch, job)


def _embed(job: SlideEncoderTrial) -> str | Exception:
    return _contained(_embed_bag, job)


def _encode_patch(job: EncoderTrial) -> str:
    import torch

    from ..features.blank import try_blank
    from ..features.encoders import build

    if not all(os.path.isfile(file) for file in job["files"]):
        width = try_blank(job["adapter"])
        return f"its network can be built{f' and gives {width:,} numbers' * bool(width)}; its weights are not there yet"
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    encoder = build(job["files"], job["config"])
    encoder = encoder.to(device)
    patch = torch.randint(0, 256, (1, job["edge"], job["edge"], 3), dtype=torch.uint8).to(device)
    started_at = time.perf_counter()
    vector = encoder(patch).to("cpu")
    duration_s = time.perf_counter() - started_at
    if tuple(vector.shape) != (1, encoder.dim) or not bool(torch.isfinite(vector).all()):
        raise ValueError(f"a patch gave {tuple(vector.shape)} numbers, or non-finite ones, for 1 x {encoder.dim}")
    return f"a patch of {job['edge']} px gave {encoder.dim:,} numbers in {duration_s:.2g} s ({_named(torch, device)})"


def _embed_bag(job: SlideEncoderTrial) -> str:
    import numpy as np
    import torch

    from ..embed.bags import Bag
    from ..embed.foreign import get_foreign

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    embed = get_foreign(job["model"], job["weights"], device)
    rng = np.random.default_rng(0)
    features = rng.standard_normal((BAG, job["width"]), dtype=np.float32)
    coords = EDGE * np.stack([np.arange(BAG) % SIDE, np.arange(BAG) // SIDE], axis=1).astype(np.int64)
    started_at = time.perf_counter()
    embedding = np.asarray(embed(Bag(features, coords, EDGE)))
    duration_s = time.perf_counter() - started_at
    if not np.isfinite(embedding).all():
        raise ValueError("a bag of patches gave numbers that are not finite")
    return f"{BAG} patches gave {embedding.size:,} numbers in {duration_s:.2g} s ({_named(torch, device)})"


def _named(torch: Any, device: Any) -> str:
    return torch.cuda.get_device_name(0) if device.type == "cuda" else "CPU"
