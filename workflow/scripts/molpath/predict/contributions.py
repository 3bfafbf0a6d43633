"""What each patch adds to what a predictor says about a case, exactly.

A predictor is linear in an embedding, and an embedding by attention pooling is a bias and a sum over patches (see
embed/pooling.py): so a logit (or log hazard, or number) is a constant and a sum over the patches of the case's slides.
Patches are compared with the training slides: minus what the patch's attention would contribute with their mean. The
constant is the logit of the mean training slide, with every bias and intercept in it, and a patch above 0 raises the
logit over that.
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
from ..probe.samples import check_finite
from .predictor import Predictor

log = logging.getLogger(__name__)

#: Training slides of which a mean is taken; weights of a predictor.
SLIDES, WEIGHTS = 64, "model.safetensors"
#: Tolerance of a sum against the embedding's output, relative to the summed terms: embeddings are fp32.
TOLERANCE = 1e-4
#: Scores (float64 H x N) of a slide's patches, and the values of their vectors (float64 H x N x K).
Read = tuple[np.ndarray, np.ndarray]


class NotASum(Exception):
    """Patches that don't sum to the output of their case's embedding."""


class Patches:
    """Patches of slides for a predictor: their attention, and what their vectors add to its K outputs."""

    def __init__(self, predictor: Predictor, model: Model, sources: Sequence[str], bags: Bags) -> None:
        self.model, self.sources, self.bags = model, sources, bags
        self.directions = predictor.coefficients / predictor.unit
        self.pooling_of = functools.cache(self._pooling_of)
        #: What the bias of the embedding adds to each output (float64 K), once a slide was read.
        self.bias = np.zeros(len(self.directions))

    def _pooling_of(self, width: int) -> Pooling:
        """How the model pools patches of `width` numbers."""
        pooling = pooling_of(self.model, self.sources, width)
        if pooling is None:
            raise ValueError(f"{self.model['name']}: its embedding is no sum over patches")
        return pooling

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
        return [softmax(slide_scores) / len(scores) for slide_scores in scores]
    ends = np.cumsum([slide_scores.shape[1] for slide_scores in scores])[:-1]
    return np.split(softmax(np.concatenate(scores, axis=1)), ends, axis=1)


def contributions_of(parts: Sequence[Read], usual: np.ndarray, union: bool) -> list[np.ndarray]:
    """What each patch of each of a case's slides adds to K outputs (float64 N x K per slide).

    usual: mean contribution of each head over training slides (H x K).
    """
    shares = shares_of([scores for scores, _ in parts], union)
    return [
        np.sum(
            [share[:, None] * (value - average) for share, value, average in zip(*by_head, usual, strict=True)], axis=0
        )
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
    """Write each head's mean contribution to each output over training slides, and the logit of their mean.

    predictor: its folder; sources: as of embed_block; cases: case by slide of this study. At most SLIDES are read,
    spread evenly. Raises ValueError where no slide of the predictor's training cases has features.
    """
    set_threads(threads, model["kind"])
    probe, bags = Predictor.load(predictor), Bags(manifests, wsi)
    trained = set(probe.facts["training"]["cases"])
    usable = [slide for slide, case in cases.items() if case in trained and slide in bags]
    if not usable:
        raise ValueError(f"no slide of the training cases of {predictor} has patches of {model['name']}")
    patches = Patches(probe, model, sources, bags)
    chosen = usable[:: -(-len(usable) // SLIDES)]
    usual = np.mean([heads_of(patches.read(slide)) for slide in chosen], axis=0)
    constant = probe.intercept + patches.bias + usual.sum(0)
    digest = sha256_of(f"{predictor}/{WEIGHTS}")
    numbers = {"heads": usual.tolist(), "constant": [value if np.isfinite(value) else None for value in constant]}
    write_json(output, {"predictor": digest, "slides": len(chosen), **numbers})


def heads_of(read: Read) -> np.ndarray:
    """Contribution of each head of a slide to each output (float64 H x K)."""
    return np.einsum("hn,hnk->hk", softmax(read[0]), read[1])


def read_usual(path: str, predictor: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean contributions of heads (float64 H x K) and the constant (K), of this very predictor; ValueError if not."""
    content = json.loads(Path(path).read_text(encoding="utf-8"))
    if content["predictor"] != sha256_of(f"{predictor}/{WEIGHTS}"):
        raise ValueError(f"{path} was made for another predictor than {predictor}/{WEIGHTS}: remove it, and run again")
    constant = np.array([-np.inf if value is None else value for value in content["constant"]], np.float64)
    return np.array(content["heads"], np.float64), constant


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
    Raises NotASum where patches don't sum to the predictor's output for the case's embedding.
    """
    set_threads(threads, model["kind"])
    probe, bags = Predictor.load(predictor), Bags(manifests, wsi)
    patches, (heads, constant) = Patches(probe, model, sources, bags), read_usual(usual, predictor)
    ids, vectors = read_embeddings(embedded)
    rows = {name: row for row, name in enumerate(ids)}
    with new_h5(output) as handle:
        describe(handle, probe, predictor, model, constant)
        for case, slides in members.items():
            present = [slide for slide in slides if slide in bags]
            if not present or case not in rows:
                log.warning("case %s: no slide of it has patches, so it has no contributions", case)
                continue
            parts = [patches.read(slide) for slide in present]
            check_finite(vectors[[rows[case]]], [case], "case_id", embedded)
            values = contributions_of(parts, heads, model["cases"] == "union")
            total = constant + np.sum([slide_values.sum(0) for slide_values in values], axis=0)
            size = np.abs(heads).sum(0) + np.sum([np.abs(slide_values).sum(0) for slide_values in values], axis=0)
            check_sum(case, total, probe.logits(vectors[rows[case]][None])[0], size + np.abs(constant))
            handle[f"cases/{case}/output"] = total
            handle[f"cases/{case}"].attrs["slides"] = present
            for slide, (scores, _), slide_values in zip(present, parts, values, strict=True):
                write_slide(handle.create_group(f"slides/{slide}"), bags, slide, case, slide_values, scores)


def set_threads(threads: int, kind: str) -> None:
    """Threads of PyTorch, where a model needs it."""
    if kind != "mean":
        import torch

        torch.set_num_threads(threads)


def describe(handle: h5py.File, predictor: Predictor, folder: str, model: Model, constant: np.ndarray) -> None:
    """Attributes that describe the numbers of a file."""
    handle.create_dataset("columns", data=columns_of(predictor), dtype=h5py.string_dtype())
    handle["constant"] = constant
    attributes: dict[str, Any] = {"predictor": sha256_of(f"{folder}/{WEIGHTS}"), "cases": model["cases"]}
    attributes |= {
        "model": predictor.facts["model"],
        "task": predictor.facts["task"],
        "kind": predictor.kind,
        "unit": unit_of(predictor),
    }
    handle.attrs.update(attributes)


def columns_of(predictor: Predictor) -> list[str]:
    """Names of a predictor's outputs: its classes (of two the second, whose logit against the first it gives)."""
    if predictor.kind == "classes":
        two = len(predictor.coefficients) == 1
        return [f"{predictor.classes[1]} against {predictor.classes[0]}"] if two else predictor.classes
    return [{"survival": "risk", "regression": "value"}[predictor.kind]]


def unit_of(predictor: Predictor) -> str:
    """Unit of contributions."""
    return {"classes": "logit", "survival": "log hazard", "regression": "value"}[predictor.kind]


def check_sum(case: str, total: np.ndarray, expected: np.ndarray, size: np.ndarray) -> None:
    """Raises NotASum unless the sum over patches (K) is the embedding's output; size: of the summed terms."""
    is_finite = np.isfinite(expected)
    gap = np.abs(total - expected)[is_finite] / size[is_finite].clip(np.finfo(float).tiny)
    if (gap > TOLERANCE).any() or not np.array_equal(is_finite, np.isfinite(total)):
        raise NotASum(
            f"case {case}: its patches add up to {total.round(6).tolist()}, and its embedding says "
            f"{expected.round(6).tolist()}: features or weights changed since it was embedded, run embed again"
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
