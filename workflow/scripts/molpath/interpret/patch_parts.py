"""What each patch adds to its slide's embedding, exactly: attention pools patches linearly, and what follows is linear.

An embedding is b + sum over patches of c, and each c the sum over heads of attention share x the head's vector x the
last layer. A direction w reads the slide as w (b + sum c) / |embedding|, so that each patch has its own share of the
score, and shares add up to it. They are told beside reference slides: a patch's share minus what its attention would
bring with the reference's mean vector. So a patch is above 0 where it raises the slide's score over the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..pretrain.network import SlideEncoder


@dataclass(frozen=True)
class Parts:
    """Of one slide: heads (float64 H x N x D, what each patch adds through each head), shares (H x N, attention, each
    row adds up to 1), bias (D)."""

    heads: np.ndarray
    shares: np.ndarray
    bias: np.ndarray

    @property
    def embedding(self) -> np.ndarray:
        """float64 D."""
        return np.asarray(self.heads.sum((0, 1)) + self.bias)


@torch.inference_mode()
def parts_of(encoder: SlideEncoder, patches: np.ndarray, directions: np.ndarray | None = None) -> Parts:
    """Parts of a bag (float32 N x input).

    directions: float K x D; what patches add is then told along them (H x N x K, bias K), which takes less room.
    """
    rows = torch.from_numpy(np.asarray(patches, np.float32))
    hidden = encoder.split(encoder.before(rows)).chunk(len(encoder.attention), dim=-1)
    scores = torch.stack([attention(part) for part, attention in zip(hidden, encoder.attention, strict=True)])
    shares = torch.softmax(scores.double(), dim=1).numpy()
    width = hidden[0].shape[1]
    if isinstance(encoder.after, torch.nn.Linear):
        layers = encoder.after.weight.double().numpy().reshape(-1, len(hidden), width).transpose(1, 0, 2)
        bias = encoder.after.bias.double().numpy()
    else:
        layers, bias = np.eye(width)[None], np.zeros(width)
    if directions is not None:
        layers, bias = np.einsum("kd,hdw->hkw", directions, layers), directions @ bias
    heads = [
        share[:, None] * (part.double().numpy() @ layer.T)
        for share, part, layer in zip(shares, hidden, layers, strict=True)
    ]
    return Parts(np.stack(heads), shares, bias)


def mean_parts(patches: np.ndarray, directions: np.ndarray | None = None) -> Parts:
    """Parts of a bag under mean pooling: one head that attends alike to all."""
    values = patches.astype(np.float64) if directions is None else patches.astype(np.float64) @ directions.T
    shares = np.full((1, len(values)), 1 / len(values))
    return Parts(values[None] / len(values), shares, np.zeros(values.shape[1]))


@dataclass(frozen=True)
class Reference:
    """Means over reference slides: per head what is pooled, over the embedding's length (float64 H x K), and 1 over
    that length."""

    heads: np.ndarray
    over_length: float


def reference_of(slides: Sequence[tuple[Parts, float]]) -> Reference:
    """Of parts along directions and lengths of embeddings."""
    heads = np.mean([parts.heads.sum(1) / length for parts, length in slides], axis=0)
    return Reference(heads, float(np.mean([1 / length for _, length in slides])))


def patch_scores(parts: Parts, length: float, reference: Reference) -> np.ndarray:
    """What each patch adds (float64 N x K) to the slide's score along K directions over that of the reference: the
    column sums are the differences. parts: along the directions; length: of the slide's embedding."""
    own = parts.heads.sum(0) / length
    usual = np.einsum("hn,hk->nk", parts.shares, reference.heads)
    return own - usual + parts.shares.mean(0)[:, None] * parts.bias * (1 / length - reference.over_length)
