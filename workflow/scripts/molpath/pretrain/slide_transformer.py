"""The paper's ablation of the slide encoder: a two-layer Transformer over patches, about 16.1 M parameters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .slide_encoder import Hidden


class SlideTransformer(nn.Module):
    """Bags of patch features to one embedding each, by pre-norm Transformer blocks and a class token.

    The paper gives two layers and 16.1 M parameters, no widths. With `hidden` 768, 12 heads and a feed-forward width
    of 4 x hidden this has 16,148,224 at 768-d patches. No positions: patches are a set, as for the other encoder.
    """

    def __init__(
        self,
        input: int,
        hidden: int = 768,
        layers: int = 2,
        heads: int = 12,
        output: int = 1024,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
    ):
        super().__init__()
        self.before = Hidden(nn.Linear(input, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Dropout(dropout))
        self.token = nn.Parameter(torch.randn(1, hidden) * 0.02)
        block = nn.TransformerEncoderLayer(
            hidden, heads, 4 * hidden, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, layers, nn.LayerNorm(hidden), enable_nested_tensor=False)
        for layer in self.blocks.layers:
            layer.self_attn.dropout = attention_dropout
        self.after = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, output))

    def forward(self, patches: torch.Tensor, lengths: Sequence[int] | None = None) -> torch.Tensor:
        """patches: float T x input, the bags one below the other; lengths: patches of each of the B bags.

        Returns B x output. Bags pass the blocks one by one: attention within a bag is the whole cost.
        """
        bags = self.before(patches).split([len(patches)] if lengths is None else list(lengths))
        pooled = [self.blocks(torch.cat([self.token.to(bag.dtype), bag])[None])[0, 0] for bag in bags]
        return self.after(torch.stack(pooled))
