"""The slide encoder of Threads: gated-attention multiple-instance learning with several heads.

Vaidya et al., arXiv 2501.16652, methods and extended data; 4,993,025 / 11,290,626 / 19,687,428 / 28,084,230
parameters with 1 / 2 / 4 / 6 heads at the paper's sizes, which fixes the list of layers.
"""

from __future__ import annotations

import torch
from torch import nn


class GatedAttention(nn.Module):
    """Score of each patch: Linear(tanh(Linear(x)) * sigmoid(Linear(x))), dropout on both branches."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.tanh_branch = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Dropout(dropout))
        self.gate_branch = nn.Sequential(nn.Linear(width, width), nn.Sigmoid(), nn.Dropout(dropout))
        self.score = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x: B x N x width; returns B x N."""
        return self.score(self.tanh_branch(x) * self.gate_branch(x)).squeeze(-1)


class SlideEncoder(nn.Module):
    """Bag of patch features to one embedding.

    Patches pass `layers` hidden layers (Linear, LayerNorm, GELU, Dropout); with several heads one more layer splits
    them into a vector a head (contiguous chunks); each head pools its vectors by softmax attention; heads are
    concatenated and mapped to `output`. With one head the pooled vector is the embedding and `output` must be
    `hidden`.
    """

    def __init__(
        self,
        input: int,
        hidden: int = 1024,
        layers: int = 3,
        heads: int = 2,
        output: int = 1024,
        dropout: float = 0.1,
        attention_dropout: float = 0.25,
    ):
        super().__init__()
        if heads == 1 and output != hidden:
            raise ValueError(f"with one head the embedding has the hidden width {hidden}, not {output}")
        widths = [input] + [hidden] * layers
        blocks = [
            nn.Sequential(nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(dropout))
            for a, b in zip(widths, widths[1:], strict=False)
        ]
        self.before = nn.Sequential(*blocks)
        split = (nn.Linear(hidden, heads * hidden), nn.GELU(), nn.Dropout(dropout))
        self.split = nn.Sequential(*split) if heads > 1 else nn.Identity()
        self.attention = nn.ModuleList(GatedAttention(hidden, attention_dropout) for _ in range(heads))
        self.after = nn.Linear(heads * hidden, output) if heads > 1 else nn.Identity()

    def forward(self, patches: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        """patches: float B x N x input; mask: bool B x N, False where padded. Returns B x output."""
        parts = self.split(self.before(patches)).chunk(len(self.attention), dim=-1)
        pooled = []
        for part, attention in zip(parts, self.attention, strict=True):
            scores = attention(part).float()
            if mask is not None:
                scores = scores.masked_fill(~mask, float("-inf"))
            weights = torch.softmax(scores, dim=1).to(part.dtype)
            pooled.append(torch.einsum("bn,bnd->bd", weights, part))
        return self.after(torch.cat(pooled, dim=-1))
