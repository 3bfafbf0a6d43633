"""Slide encoders that pool patches: an embedding split into the contributions of its patches, block by block.

With gated attention an embedding is a bias and a sum over heads and patches: attention x the head's vector of the patch
x the last layer. A mean is one head with equal attention to all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..common.settings.embed import Model

#: Rows that go through a network at once.
ROWS = 4096
#: Scores (float64 H x N) and vectors (H arrays N x V) of the heads, of a block of patches (float32 N x W).
Heads = Callable[[np.ndarray], tuple[np.ndarray, list[np.ndarray]]]


@dataclass(frozen=True)
class Pooling:
    """An embedding of D numbers: `bias` and, of each of H heads, layer @ sum of softmax(scores) x vectors.

    layers: H arrays float64 D x V, or None where nothing follows and V is D. bias: float64 D.
    """

    heads: Heads
    layers: list[np.ndarray] | None
    bias: np.ndarray

    def along(self, blocks: Iterable[np.ndarray], directions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores (float64 H x N) of the patches of a bag, and what their vectors are along K directions (K x D):
        float64 H x N x K. Memory grows with H x N x (K + 1) and not with the width of patches."""
        scores, values = [], []
        for block in blocks:
            for start in range(0, len(block), ROWS):
                block_scores, vectors = self.heads(block[start : start + ROWS])
                head_directions = (
                    [directions] * len(vectors) if self.layers is None else [directions @ w for w in self.layers]
                )
                scores.append(block_scores)
                values.append(
                    np.stack(
                        [
                            v.astype(np.float64) @ projection.T
                            for v, projection in zip(vectors, head_directions, strict=True)
                        ]
                    )
                )
        return np.concatenate(scores, axis=1), np.concatenate(values, axis=1)


def softmax(scores: np.ndarray) -> np.ndarray:
    """Attention (float64 H x N, rows add up to 1) of scores of the same shape."""
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def pooling_of(model: Model, sources: Sequence[str], width: int) -> Pooling | None:
    """How a model pools patches of `width` numbers; None if its embedding is not a sum over patches.

    sources: as of embed_block. Raises what loading the model raises.
    """
    kind = model["kind"]
    if kind == "mean":
        return mean_pooling(width)
    if kind in ("chief", "feather"):
        return pooling_of_others(kind, sources[0])
    if kind not in ("threads", "random"):
        return None
    from ..pretrain.network import SlideEncoder, build, load

    if kind == "threads":
        encoder = load(str(Path(sources[0]).parent))[0].slide
    else:
        encoder = build({"slide_encoder": {**model["slide_encoder"], "input": width}}, model["seed"]).eval().slide
    return pooling_of_encoder(encoder) if isinstance(encoder, SlideEncoder) else None


def mean_pooling(width: int) -> Pooling:
    """Pooling by the mean of patches of `width` numbers."""
    return Pooling(lambda rows: (np.zeros((1, len(rows))), [rows]), None, np.zeros(width))


def pooling_of_encoder(encoder) -> Pooling:
    """Pooling by a SlideEncoder with gated attention."""
    import torch

    @torch.inference_mode()
    def heads(rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        patches = torch.from_numpy(np.ascontiguousarray(rows, np.float32))
        parts = encoder.split(encoder.before(patches)).chunk(len(encoder.attention), dim=-1)
        scores = [attention(part) for part, attention in zip(parts, encoder.attention, strict=True)]
        return torch.stack(scores).double().numpy(), [part.numpy() for part in parts]

    if not isinstance(encoder.after, torch.nn.Linear):
        return Pooling(heads, None, np.zeros(encoder.attention[0].score.in_features))
    weight = encoder.after.weight.detach().double()
    layers = [part.numpy() for part in weight.chunk(len(encoder.attention), dim=1)]
    return Pooling(heads, layers, encoder.after.bias.detach().double().numpy())


def pooling_of_others(kind: str, weights: str) -> Pooling:
    """Pooling by CHIEF, a weighted mean of patches, or by FEATHER, one of their hidden numbers."""
    import torch

    from .foreign import network_of

    network = network_of(kind, weights)

    @torch.inference_mode()
    def heads(rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        scores, vectors = network.parts(torch.from_numpy(np.ascontiguousarray(rows, np.float32)))
        return scores.double().numpy()[None], [vectors.numpy()]

    return Pooling(heads, None, np.zeros(network.output))
