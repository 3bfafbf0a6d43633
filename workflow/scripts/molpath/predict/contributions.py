"""What each patch adds to what a predictor says of a case, exactly.

A predictor is linear in an embedding, and an embedding by attention pooling is a bias and a sum over patches (see
embed/pooling.py): so a logit (or log hazard, or number) is a constant and a sum over the patches of the case's slides.
Patches are told beside the training slides: minus what the patch's attention would bring with their mean. The constant
is the logit of the mean training slide, with every bias and intercept in it, and a patch above 0 raises the logit over
that.
"""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ..common.digests import sha256_of
from ..common.files import new_h5, write_json
from ..common.settings.embed import Model
from ..embed.bags import Bags
from ..embed.evenness import effective_number
from ..embed.pooling import Pooling, pooling_of, softmax
from ..probe.embeddings import read_embeddings
from .predictor import Predictor

log = logging.getLogger(__name__)

#: Training slides of which a mean is taken; weights of a predictor.
SLIDES, WEIGHTS = 64, "model.safetensors"
#: How far a sum may be from what the embedding says, as a share of what is added up: embeddings are fp32.
TOLERANCE = 1e-4
#: Scores (float64 H x N) of a slide's patches, and what their vectors say (float64 H x N x K).
Read = tuple[np.ndarray, np.ndarray]


class NotASum(Exception):
    """Patches that don't add up to what the embedding of their case says."""


class Patches:
    """Patches of slides as a predictor sees them: their attention, and what their vectors add to its K outputs."""

    def __init__(self, predictor: Predictor, model: Model, sources: Sequence[str], bags: Bags) -> None:
        self.model, self.sources, self.bags = model, sources, bags
        self.directions = predictor.coefficients / predictor.unit
        self.pooling_of = functools.cache(self._pooling_of)
        #: What the bias of the embedding adds to each output (float64 K), once a slide was read.
        self.bias = np.zeros(len(self.directions))

    def _pooling_of(self, width: int) -> Pooling:
        """How the model pools patches of `width` numbers."""
        found = pooling_of(self.model, self.sources, width)
        if found is None:
            raise ValueError(f"{self.model['name']}: its embedding is no sum over patches")
        return found

    def read(self, slide_id: str) -> Read:
        """Scores and values of a slide's patches, in memory that grows with H x N x K."""
        blocks = self.bags.blocks([slide_id])
        first = next(blocks)
        pooling = self.pooling_of(first.shape[1])
        self.bias = self.directions @ pooling.bias
        return pooling.along(chain([first], blocks), self.directions)


def shares_of(scores: Sequence[np.ndarray], union: bool) -> list[np.ndarray]:
    """Attention of the patches of a case by the scores (H x N) of each of its slides: rows add up to 1 over all slides.

    union: the case is one bag of all patches; else the mean of its slides.
    """
    if not union:
        return [softmax(one) / len(scores) for one in scores]
    ends = np.cumsum([one.shape[1] for one in scores])[:-1]
    return np.split(softmax(np.concatenate(scores, axis=1)), ends, axis=1)


def contributions_of(parts: Sequence[Read], usual: np.ndarray, union: bool) -> list[np.ndarray]:
    """What each patch of each of a case's slides adds to K outputs (float64 N x K a slide).

    usual: what each head brings on average in training slides (H x K).
    """
    shares = shares_of([scores for scores, _ in parts], union)
    return [
        np.sum([share[:, None] * (value - one) for share, value, one in zip(*by_head, usual, strict=True)], axis=0)
        for by_head in zip(shares, (values for _, values in parts), strict=True)
    ]


def average_slides(
    *,
    predictor: str,
    model: Model,
    sources: Sequence[str],
    manifests: Sequence[str],
    wsi: str,
    cases: Mapping[str, str],
    output: str,
    threads: int = 1,
) -> None:
    """Write what each head brings to each output on average over training slides, and the logit of their mean.

    predictor: its folder; sources: as of embed_block; cases: case by slide of this study. At most SLIDES are read,
    spread evenly. Raises ValueError where no slide of the predictor's training cases has features.
    """
    set_threads(threads, model["kind"])
    found, bags = Predictor.load(predictor), Bags(manifests, wsi)
    trained = set(found.facts["training"]["cases"])
    known = [slide for slide, case in cases.items() if case in trained and slide in bags]
    if not known:
        raise ValueError(f"no slide of the training cases of {predictor} has patches of {model['name']}")
    patches = Patches(found, model, sources, bags)
    chosen = known[:: -(-len(known) // SLIDES)]
    usual = np.mean([heads_of(patches.read(slide)) for slide in chosen], axis=0)
    constant = found.intercept + patches.bias + usual.sum(0)
    digest = sha256_of(f"{predictor}/{WEIGHTS}")
    numbers = {"heads": usual.tolist(), "constant": [value if np.isfinite(value) else None for value in constant]}
    write_json(output, {"predictor": digest, "slides": len(chosen), **numbers})


def heads_of(read: Read) -> np.ndarray:
    """What each head of a slide brings to each output (float64 H x K)."""
    return np.einsum("hn,hnk->hk", softmax(read[0]), read[1])


def read_usual(path: str, predictor: str) -> tuple[np.ndarray, np.ndarray]:
    """What heads bring on average (float64 H x K) and the constant (K), of this very predictor; ValueError if not."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    if found["predictor"] != sha256_of(f"{predictor}/{WEIGHTS}"):
        raise ValueError(f"{path} was made for another predictor than {predictor}/{WEIGHTS}: remove it, and run again")
    constant = np.array([-np.inf if value is None else value for value in found["constant"]], np.float64)
    return np.array(found["heads"], np.float64), constant


def contribute_patches(
    *,
    predictor: str,
    usual: str,
    model: Model,
    sources: Sequence[str],
    manifests: Sequence[str],
    wsi: str,
    embedded: str,
    members: Mapping[str, Sequence[str]],
    output: str,
    threads: int = 1,
) -> None:
    """Write what each patch of some cases adds to the predictor's outputs for the case, as HDF5.

    `columns` (K names), `constant` (float64 K); of each slide with patches `slides/<slide>`: `contributions` (float32
    N x K; float64 where one is beyond float32), `coords` (int64 N x 2, level-0 pixels, edge in `patch_size_level0`)
    where they are known, attributes case_id and effective_patches (of each head); of each case `cases/<case>/output`
    (float64 K): the constant and the sum over its slides' patches. Attributes of the file: predictor (SHA-256 of its
    weights), model, task, kind, unit, cases.

    predictor: its folder; usual: what `average_slides` wrote; embedded: cases.h5ad; members: slides of each case.
    Raises NotASum where patches don't add up to what the predictor says of the case's embedding.
    """
    set_threads(threads, model["kind"])
    found, bags = Predictor.load(predictor), Bags(manifests, wsi)
    patches, (heads, constant) = Patches(found, model, sources, bags), read_usual(usual, predictor)
    ids, vectors = read_embeddings(embedded)
    rows = {name: row for row, name in enumerate(ids)}
    with new_h5(output) as handle:
        describe(handle, found, predictor, model, constant)
        for case, slides in members.items():
            present = [slide for slide in slides if slide in bags]
            if not present or case not in rows:
                log.warning("case %s: no slide of it has patches, so nothing is told of it", case)
                continue
            parts = [patches.read(slide) for slide in present]
            values = contributions_of(parts, heads, model["cases"] == "union")
            total = constant + np.sum([one.sum(0) for one in values], axis=0)
            size = np.abs(heads).sum(0) + np.sum([np.abs(one).sum(0) for one in values], axis=0)
            check_sum(case, total, found.logits(vectors[rows[case]][None])[0], size + np.abs(constant))
            handle[f"cases/{case}/output"] = total
            handle[f"cases/{case}"].attrs["slides"] = present
            for slide, (scores, _), one in zip(present, parts, values, strict=True):
                write_slide(handle.create_group(f"slides/{slide}"), bags, slide, case, one, scores)


def set_threads(threads: int, kind: str) -> None:
    """Threads of PyTorch, where a model needs it."""
    if kind != "mean":
        import torch

        torch.set_num_threads(threads)


def describe(handle: h5py.File, found: Predictor, folder: str, model: Model, constant: np.ndarray) -> None:
    """What the numbers of a file are."""
    handle.create_dataset("columns", data=columns_of(found), dtype=h5py.string_dtype())
    handle["constant"] = constant
    told: dict[str, Any] = {"predictor": sha256_of(f"{folder}/{WEIGHTS}"), "cases": model["cases"]}
    told |= {"model": found.facts["model"], "task": found.facts["task"], "kind": found.kind, "unit": unit_of(found)}
    handle.attrs.update(told)


def columns_of(found: Predictor) -> list[str]:
    """Names of a predictor's outputs: its classes (of two the second, whose logit against the first it gives)."""
    if found.kind == "classes":
        two = len(found.coefficients) == 1
        return [f"{found.classes[1]} against {found.classes[0]}"] if two else found.classes
    return [{"survival": "risk", "regression": "value"}[found.kind]]


def unit_of(found: Predictor) -> str:
    """What contributions are measured in."""
    return {"classes": "logit", "survival": "log hazard", "regression": "value"}[found.kind]


def check_sum(case: str, total: np.ndarray, told: np.ndarray, size: np.ndarray) -> None:
    """Raises NotASum unless the sum over patches (K) is what the embedding says; size: of what is added up."""
    known = np.isfinite(told)
    gap = np.abs(total - told)[known] / size[known].clip(np.finfo(float).tiny)
    if (gap > TOLERANCE).any() or not np.array_equal(known, np.isfinite(total)):
        raise NotASum(
            f"case {case}: its patches add up to {total.round(6).tolist()}, and its embedding says "
            f"{told.round(6).tolist()}: features or weights changed since it was embedded, run embed again"
        )


def write_slide(
    group: h5py.Group, bags: Bags, slide_id: str, case: str, values: np.ndarray, scores: np.ndarray
) -> None:
    """A slide's part of the file."""
    fits = np.abs(values).max(initial=0) <= np.finfo(np.float32).max
    group["contributions"] = values.astype(np.float32 if fits else np.float64)
    group.attrs["case_id"] = case
    group.attrs["effective_patches"] = effective_number(softmax(scores))
    if bags.is_placed(slide_id):
        coords, edge = bags.places(slide_id)
        group["coords"] = coords
        group["coords"].attrs["patch_size_level0"] = edge
