"""CONCHv1.5, the encoder of the paper, and CONCH.

CONCHv1.5 is a ViT-L/16 whose tokens one learned query gathers into 768 numbers. Two things differ from a stock timm
network and are done here as its makers do: the attention pooler, and how positions learned for 224 pixels are
stretched to 448 (bicubic, without antialiasing, with DINO's 0.1 on top of the target size).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from .weights import load_weights, loaded

log = logging.getLogger(__name__)

WIDTH, OUTPUT, HEADS = 1024, 768, 8
GRID = 14  # patches per side at 224 pixels, what the table of positions is made for


class AttentionPooler(nn.Module):
    """One learned query attends to all tokens of an image; no biases. Names are those of the published file."""

    def __init__(self, width: int = OUTPUT, context: int = WIDTH, heads: int = HEADS):
        super().__init__()
        self.heads = heads
        self.query = nn.Parameter(torch.randn(1, width))
        self.ln_k, self.ln_q = nn.LayerNorm(context), nn.LayerNorm(width)
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_kv = nn.Linear(context, 2 * width, bias=False)
        self.to_out = nn.Linear(width, width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        """N x T x context to N x width."""
        count, length = tokens.shape[:2]
        query = self.to_q(self.ln_q(self.query)).view(1, 1, self.heads, -1).expand(count, -1, -1, -1)
        keys, values = self.to_kv(self.ln_k(tokens)).view(count, length, 2, self.heads, -1).unbind(2)
        gathered = functional.scaled_dot_product_attention(
            query.transpose(1, 2).to(keys.dtype), keys.transpose(1, 2), values.transpose(1, 2)
        )
        return self.to_out(gathered.flatten(1))


class ConchV15(nn.Module):
    """The image side of CONCHv1.5: trunk, attention pooler, layer norm."""

    trunk: Any  # timm's: its parts are looked up by name

    def __init__(self, **changes: Any):
        super().__init__()
        import timm

        arguments = {"img_size": 224, "init_values": 1.0, "dynamic_img_size": True} | changes
        self.trunk = timm.create_model("vit_large_patch16_224", pretrained=False, num_classes=0, **arguments)
        self.attn_pool_contrast = AttentionPooler()
        self.ln_contrast = nn.LayerNorm(OUTPUT)

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images N x 3 x S x S, S a multiple of 16, to N x 768."""
        patches = self.trunk.patch_embed(images)  # N x S/16 x S/16 x 1024
        grid = patches.shape[1]
        classes = self.trunk.cls_token.expand(len(patches), -1, -1)
        tokens = torch.cat([classes, patches.flatten(1, 2)], dim=1) + stretched(self.trunk.pos_embed, grid)
        tokens = self.trunk.norm(self.trunk.blocks(tokens))
        return self.ln_contrast(self.attn_pool_contrast(tokens))


def stretched(table: Tensor, grid: int) -> Tensor:
    """Positions 1 x (1 + n²) x D for grid x grid patches, as DINO (2021) does it; the class token's place is kept.

    The scale factor, not the size, goes into the interpolation: 28.1 / 14 samples elsewhere than 28 / 14.
    """
    side = math.isqrt(table.shape[1] - 1)
    if side == grid:
        return table
    positions = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    positions = functional.interpolate(positions, scale_factor=(grid + 0.1) / side, mode="bicubic")
    return torch.cat([table[:, :1], positions.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


def load_conch_v15(path: str, **changes: Any) -> ConchV15:
    """CONCHv1.5 with the weights of pytorch_model_vision.bin. ValueError if they don't fit."""
    state = dict(load_weights(path))
    table = state.get("trunk.pos_embed")
    if table is not None:
        log.info("conch_v15: the file's table of positions has %d entries", table.shape[1])
        state["trunk.pos_embed"] = table_for_224(table)
    return loaded(lambda: ConchV15(**changes), state, "conch_v15", path)


def table_for_224(table: Tensor) -> Tensor:
    """The file's table of positions at 14 x 14 places (bilinear, as its makers' loader does), if it has others."""
    side = math.isqrt(table.shape[1] - 1)
    if side == GRID:
        return table
    positions = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2).to(torch.float32)
    positions = functional.interpolate(positions, (GRID, GRID), mode="bilinear", align_corners=False)
    return torch.cat([table[:, :1], positions.permute(0, 2, 3, 1).flatten(1, 2)], dim=1)


class ConchV1(nn.Module):
    """The image side of CONCH, built by its makers' package: before the projection, not normalised."""

    model: Any  # of the makers' package

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images N x 3 x 448 x 448 to N x 512."""
        return self.model.encode_image(images, proj_contrast=False, normalize=False)


def load_conch_v1(path: str) -> ConchV1:
    """CONCH with the weights of its pytorch_model.bin, through the package `conch`, which is not on an index.

    Raises ValueError if the package is absent, or if the weights of the image side don't fit.
    """
    try:
        import conch.open_clip_custom as package
    except ImportError as error:
        raise ValueError(
            "encoder conch_v1 needs its makers' package: pip install git+https://github.com/mahmoodlab/CONCH "
            f"({error}). Or extract with it elsewhere and give the folder as `precomputed`."
        ) from error
    state = load_weights(path)  # before the package opens the file: checks that nothing in it would run
    model = package.create_model("conch_ViT-B-16", checkpoint_path=path)
    _check_image_side(model, state, path)
    return ConchV1(model).eval()


def _check_image_side(model: nn.Module, state: Mapping[str, Tensor], path: str) -> None:
    """The package silently skips what doesn't fit; check that the image side is complete."""
    missing = [key for key in model.state_dict() if key.startswith("visual.") and key not in state]
    if missing:
        raise ValueError(f"{path} doesn't hold the weights of conch_v1: missing {', '.join(missing[:4])}")
