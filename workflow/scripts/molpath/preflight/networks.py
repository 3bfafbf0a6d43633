"""Work of patch encoders: floating-point operations of a patch, by the network's sizes (resources/costs/encoders.tsv).

An operation is a multiplication or an addition; papers often count a pair of them as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..common.files import read_tsv

#: Operations of a product and its sum, and colours of a pixel.
PAIR, COLOURS = 2, 3


@dataclass(frozen=True)
class Transformer:
    """Sizes of a vision transformer: pixels of a token, width, blocks, hidden width of an MLP, tokens besides the
    image.

    gated: the MLP has two layers side by side before its last one (SwiGLU).
    """

    token_px: int
    width: int
    blocks: int
    hidden: int
    gated: bool
    prefix: int

    def flops(self, pixels: int) -> float:
        """Operations of one pass over an image of `pixels` by `pixels`."""
        grid = (pixels // self.token_px) ** 2
        tokens = grid + self.prefix
        layers = 4 * self.width**2 + (3 if self.gated else 2) * self.width * self.hidden
        attention = 2 * tokens * self.width
        embedding = grid * COLOURS * self.token_px**2 * self.width
        return PAIR * (self.blocks * tokens * (layers + attention) + embedding)


@dataclass(frozen=True)
class Network:
    """A built-in encoder: operations of a pass at the size it was made for, and its transformer if it is one."""

    pixels: int
    counted: float
    transformer: Transformer | None

    def flops(self, pixels: int) -> float:
        """Operations of a patch at another size, or at its own (0)."""
        if pixels in (0, self.pixels):
            return self.counted
        if self.transformer:
            return self.counted * self.transformer.flops(pixels) / self.transformer.flops(self.pixels)
        return self.counted * (pixels / self.pixels) ** 2


def read_networks(path: str | Path) -> dict[str, Network]:
    """Encoder -> network, from a table like encoders.tsv."""
    return {row["encoder"]: _network(row) for row in read_tsv(path).to_dict("records")}


def _network(row: Mapping[str, Any]) -> Network:
    transformer = None
    if row["token_px"]:
        token, width, blocks, hidden, prefix = (
            int(row[name]) for name in ("token_px", "width", "blocks", "hidden", "prefix")
        )
        transformer = Transformer(token, width, blocks, hidden, row["gated"] == "yes", prefix)
    return Network(int(row["pixels"]), float(row["gflop"]) * 1e9, transformer)
