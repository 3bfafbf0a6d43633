"""The exact contribution of each patch to its slide's embedding: attention pools linearly, and the rest is linear.

An embedding is a bias and a sum over heads and patches of attention x the head's vector x the last layer. A direction
reads its angle, so each patch has its own share of the score, and shares add up to it. They are relative to reference
slides: minus what the patch's attention would add with the reference's mean vector. So a patch is above 0 if it
raises the slide's score over that of the reference.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..embed.pooling import Pooling, softmax


@dataclass(frozen=True)
class Anatomy:
    """One slide and its H heads: shares (float64 H x N, attention, rows add up to 1), vectors (H arrays N x W), layers
    (H arrays D x W, None where W is D and nothing follows), bias (D)."""

    shares: np.ndarray
    vectors: list[np.ndarray]
    layers: list[np.ndarray] | None
    bias: np.ndarray

    def pooled(self) -> np.ndarray:
        """What each head adds to the embedding (float64 H x D)."""
        sums = [share @ rows for share, rows in zip(self.shares, self.vectors, strict=True)]
        return np.stack(
            sums if self.layers is None else [w @ head_sum for w, head_sum in zip(self.layers, sums, strict=True)]
        )

    def embedding(self) -> np.ndarray:
        """The slide's embedding (float64 D)."""
        return np.asarray(self.pooled().sum(0) + self.bias)

    def along(self, directions: np.ndarray) -> np.ndarray:
        """What each patch adds along K directions (K x D): float64 N x K."""
        layers: list[np.ndarray | None] = [*self.layers] if self.layers else [None] * len(self.vectors)
        heads = zip(self.shares, self.vectors, layers, strict=True)
        return np.sum([s[:, None] * (v @ (directions if w is None else directions @ w).T) for s, v, w in heads], axis=0)


def anatomy_of(pooling: Pooling, patches: np.ndarray) -> Anatomy:
    """The anatomy of a bag (float32 N x input)."""
    scores, vectors = pooling.heads(patches)
    return Anatomy(
        softmax(scores), [head_vectors.astype(np.float64) for head_vectors in vectors], pooling.layers, pooling.bias
    )


@dataclass(frozen=True)
class Reference:
    """Means over reference slides: what heads add, over the embedding's length (float64 H x D), and 1 over that."""

    heads: np.ndarray
    over_length: float

    @classmethod
    def of(cls, slides: Iterable[Anatomy]) -> Reference:
        """The means of some slides; raises ValueError where there are none."""
        pooled = [(slide.pooled(), float(np.linalg.norm(slide.embedding()))) for slide in slides]
        if not pooled:
            raise ValueError("no reference slide has patches")
        heads = np.mean([heads / length for heads, length in pooled], axis=0)
        return cls(heads, float(np.mean([1 / length for _, length in pooled])))


def patch_scores(slide: Anatomy, directions: np.ndarray, reference: Reference) -> np.ndarray:
    """What each patch adds (float64 N x K) to direction . embedding / |embedding| over the reference's mean of it.

    Columns add up to that difference.
    """
    length = float(np.linalg.norm(slide.embedding()))
    usual = slide.shares.T @ (reference.heads @ directions.T)
    bias = (directions @ slide.bias) * (1 / length - reference.over_length)
    return np.asarray(slide.along(directions) / length - usual + slide.shares.mean(0)[:, None] * bias)
