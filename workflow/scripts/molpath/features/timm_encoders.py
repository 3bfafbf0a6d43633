"""Encoders that timm can build: vision transformers, CTransPath's Swin, ResNet-50.

Built from arguments, never from a `config.json` of the hub: the arguments below are those their makers publish, and a
file of weights must match every name. Widths and depths of the base networks are timm's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .weights import load_weights, loaded, resampled_positions, split_class_position, timm_names

#: Arguments that are classes and so have names here; both together make the SwiGLU block of DINOv2.
SWIGLU = {"mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}
_UNI = {"img_size": 224, "init_values": 1e-5, "dynamic_img_size": True}
_VIRCHOW = {"img_size": 224, "init_values": 1e-5, "mlp_ratio": 5.3375, "dynamic_img_size": True} | SWIGLU
_HOPTIMUS = {"img_size": 224, "init_values": 1e-5}

#: Adapter -> name and arguments of its vision transformer in timm.
VISION_TRANSFORMERS: dict[str, tuple[str, dict[str, Any]]] = {
    "uni_v1": ("vit_large_patch16_224", _UNI),
    "uni_v2": (
        "vit_giant_patch14_224",
        _UNI
        | SWIGLU
        | {"depth": 24, "num_heads": 24, "embed_dim": 1536, "mlp_ratio": 2.66667 * 2}
        | {"no_embed_class": True, "reg_tokens": 8},
    ),
    "virchow": ("vit_huge_patch14_224", _VIRCHOW),
    "virchow2": ("vit_huge_patch14_224", _VIRCHOW | {"reg_tokens": 4}),
    # its patches are of 16 pixels in spite of the name
    "gigapath": (
        "vit_giant_patch14_dinov2",
        {"img_size": 224, "patch_size": 16, "embed_dim": 1536, "depth": 40, "num_heads": 24, "mlp_ratio": 5.33334},
    ),
    "hoptimus0": ("vit_giant_patch14_reg4_dinov2", _HOPTIMUS),
    "hoptimus1": ("vit_giant_patch14_reg4_dinov2", _HOPTIMUS),
    "h0_mini": ("vit_base_patch14_reg4_dinov2", _HOPTIMUS | SWIGLU | {"mlp_ratio": 5.33334}),
    "phikon_v2": ("vit_large_patch16_224", {"img_size": 224, "init_values": 1.0}),
    # hidden layers of 2736, as DINOv2's SwiGLU rounds two thirds of 4096; two of them side by side
    "hibou_l": ("vit_large_patch14_reg4_dinov2", {"img_size": 224, "mlp_ratio": 2 * 2736 / 1024} | SWIGLU),
    "midnight12k": ("vit_giant_patch14_dinov2", {"img_size": 224}),
    "kaiko_vits16": ("vit_small_patch16_224", {"dynamic_img_size": True}),
    "kaiko_vits8": ("vit_small_patch8_224", {"dynamic_img_size": True}),
    "kaiko_vitb16": ("vit_base_patch16_224", {"dynamic_img_size": True}),
    "kaiko_vitb8": ("vit_base_patch8_224", {"dynamic_img_size": True}),
    "kaiko_vitl14": ("vit_large_patch14_reg4_dinov2", {"img_size": 518, "dynamic_img_size": True}),
    "lunit_vits8": ("vit_small_patch8_224", {"img_size": 224, "dynamic_img_size": True}),
    "gpfm": ("vit_large_patch14_dinov2", {"img_size": 224, "init_values": 1e-5}),
    "dinov2_vitl14": ("vit_large_patch14_dinov2", {"img_size": 518, "dynamic_img_size": True}),
}
#: Files whose position table may be of another size than our 224 pixels need; True: resampled with antialiasing.
RESAMPLED = {"midnight12k": False, "phikon_v2": False, "hibou_l": True}


class TokenPool(nn.Module):
    """Class token of a vision transformer, or class token and mean of the patch tokens, registers left out."""

    trunk: Any  # timm's: its parts are looked up by name

    def __init__(self, trunk: nn.Module, tokens: str):
        super().__init__()
        self.trunk, self.tokens = trunk, tokens

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images N x 3 x S x S to N x D, or N x 2D for cls_mean."""
        tokens = self.trunk.forward_features(images)
        if self.tokens == "cls":
            return tokens[:, 0]
        return torch.cat([tokens[:, 0], tokens[:, self.trunk.num_prefix_tokens :].mean(1)], dim=1)


def vision_transformer(adapter: str, **changes: Any) -> Any:
    """The vision transformer of an adapter with random weights; `changes` replace arguments (tests cut `depth`)."""
    import timm

    name, arguments = VISION_TRANSFORMERS[adapter]
    arguments = arguments | changes
    classes = {"SwiGLUPacked": timm.layers.SwiGLUPacked, "SiLU": nn.SiLU}
    arguments = {key: classes.get(value, value) if key in SWIGLU else value for key, value in arguments.items()}
    return timm.create_model(name, pretrained=False, num_classes=0, global_pool="token", **arguments)


def load_vision_transformer(adapter: str, path: str, tokens: str, **changes: Any) -> TokenPool:
    """The adapter's transformer with weights of a file from timm, DINOv2 or transformers.

    `changes` as for `vision_transformer`. Raises ValueError if the weights don't fit.
    """
    state = timm_names(load_weights(path))

    def make() -> Any:
        return vision_transformer(adapter, **changes)

    with torch.device("meta"):
        trunk = make()
    if trunk.no_embed_class:
        state = split_class_position(state)
    if adapter in RESAMPLED and "pos_embed" in state:
        prefix = 0 if trunk.no_embed_class else 1
        grid = trunk.patch_embed.grid_size[0]
        state["pos_embed"] = resampled_positions(state["pos_embed"], grid, prefix, RESAMPLED[adapter])
    return TokenPool(loaded(make, state, adapter, path), tokens)


class ConvStem(nn.Module):
    """CTransPath's patch embedding: two 3 x 3 convolutions of stride 2 with batch norm and ReLU, then one of 1 x 1.

    Takes the arguments that timm's Swin gives its patch embedding. N x 3 x H x W to N x H/4 x W/4 x embed_dim.
    """

    def __init__(
        self,
        img_size: int | tuple[int, int],
        in_chans: int,
        embed_dim: int,
        norm_layer: Callable,
        **_: Any,
    ):
        super().__init__()
        edges = img_size if isinstance(img_size, tuple) else (img_size, img_size)
        self.grid_size = (edges[0] // 4, edges[1] // 4)
        layers, width = [], in_chans
        for outputs in (embed_dim // 8, embed_dim // 4):
            layers += [nn.Conv2d(width, outputs, 3, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]
            width = outputs
        self.proj = nn.Sequential(*layers, nn.Conv2d(width, embed_dim, 1))
        self.norm = norm_layer(embed_dim)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images; channels last, as timm's Swin expects."""
        return self.norm(self.proj(images).permute(0, 2, 3, 1))


def ctranspath() -> nn.Module:
    """Swin-T behind a stem of convolutions, random weights; its output is the mean of the last map, N x 768."""
    import timm

    return timm.create_model("swin_tiny_patch4_window7_224", pretrained=False, num_classes=0, embed_layer=ConvStem)


def load_ctranspath(path: str) -> nn.Module:
    """CTransPath with the authors' weights, or CHIEF's copy of them. ValueError if they don't fit."""
    return loaded(ctranspath, swin_names(load_weights(path)), "ctranspath", path)


def swin_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A Swin's weights under timm's present names.

    Early files halve the resolution at the end of a stage, where timm now does it at the start of the next; tables
    that can be computed are left out.
    """
    computed = ("relative_position_index", "attn_mask")
    weights = {key: value for key, value in state.items() if not key.endswith(computed) and not key.startswith("head.")}
    if "layers.0.downsample.reduction.weight" not in weights:
        return weights
    renamed = {}
    for key, value in weights.items():
        fields = key.split(".")
        if fields[0] == "layers" and fields[2] == "downsample":
            fields[1] = str(int(fields[1]) + 1)
        renamed[".".join(fields)] = value
    return renamed


class ThirdStage(nn.Module):
    """ResNet-50 up to its third stage and the mean over its map, N x 1024: what CLAM and TRIDENT call ResNet50."""

    def __init__(self):
        super().__init__()
        import timm

        trunk = timm.create_model("resnet50", pretrained=False, num_classes=0)
        self.conv1, self.bn1, self.act1, self.maxpool = trunk.conv1, trunk.bn1, trunk.act1, trunk.maxpool
        self.layer1, self.layer2, self.layer3 = trunk.layer1, trunk.layer2, trunk.layer3

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images N x 3 x S x S to N x 1024."""
        x = self.maxpool(self.act1(self.bn1(self.conv1(images))))
        return self.layer3(self.layer2(self.layer1(x))).mean((2, 3))


def load_resnet50(path: str) -> nn.Module:
    """The first three stages of a ResNet-50 file; its fourth stage and its classes aren't used."""
    state = {key: value for key, value in load_weights(path).items() if not key.startswith(("layer4.", "fc."))}
    return loaded(ThirdStage, state, "resnet50", path)
