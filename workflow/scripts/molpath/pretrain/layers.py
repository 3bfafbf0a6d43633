"""Layers of the slide encoders, which store little for the backward pass."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def drop_mask(x: torch.Tensor, dropout: nn.Dropout) -> torch.Tensor | None:
    """What dropout keeps of x (bool, a byte where torch's own keeps four), None where nothing is dropped."""
    if not dropout.training or dropout.p == 0:
        return None
    return torch.empty_like(x, dtype=torch.bool).bernoulli_(1 - dropout.p)


def last_dropout(layers: nn.Sequential) -> nn.Dropout:
    """The dropout that ends these layers."""
    dropout = layers[-1]
    assert isinstance(dropout, nn.Dropout)  # all layers of this module end in one
    return dropout


def drop(x: torch.Tensor, mask: torch.Tensor | None, p: float) -> torch.Tensor:
    """Dropout by a mask; the same numbers, in float32, as torch's dropout."""
    return x if mask is None else (x * mask).mul_((torch.ones(()) / (1 - p)).item())


def recomputed(function: Callable[..., torch.Tensor], *inputs: torch.Tensor | None) -> torch.Tensor:
    """function(*inputs), elementwise and deterministic: its temporaries are recomputed in the backward pass.

    A step of 32 bags of 2,048 patches holds half as much this way, for a few hundredths more arithmetic.
    """
    if not torch.is_grad_enabled():
        return function(*inputs)
    result: torch.Tensor = checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)
    return result


class Hidden(nn.Sequential):
    """Linear, [LayerNorm,] GELU, Dropout."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: rows x in; returns rows x out."""
        linear, *between, _ = self
        dropout = last_dropout(self)
        x = linear(x)

        def rest(x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
            for layer in between:
                x = layer(x)
            return drop(x, mask, dropout.p)

        return recomputed(rest, x, drop_mask(x, dropout))


class GatedAttention(nn.Module):
    """Score of each patch: Linear(tanh(Linear(x)) * sigmoid(Linear(x))), dropout on both branches."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.tanh_branch = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout))
        self.gate_branch = nn.Sequential(nn.Linear(width, width), nn.Sigmoid(), nn.Dropout(dropout))
        self.score = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: rows x width; returns a float32 score per row."""
        dropout = last_dropout(self.tanh_branch)
        a, b = self.tanh_branch[0](x), self.gate_branch[0](x)

        def gate(
            a: torch.Tensor, b: torch.Tensor, mask_a: torch.Tensor | None, mask_b: torch.Tensor | None
        ) -> torch.Tensor:
            gated = drop(torch.tanh(a), mask_a, dropout.p) * drop(torch.sigmoid(b), mask_b, dropout.p)
            scores: torch.Tensor = self.score(gated)
            return scores

        return recomputed(gate, a, b, drop_mask(a, dropout), drop_mask(b, dropout)).squeeze(-1).float()
