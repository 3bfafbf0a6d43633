"""Encoders by the name of their adapter, and the class that makes one of a torch network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..common.settings.features import Encoder as EncoderSettings
from .interface import Encoder
from .registry import ADAPTERS, Facts, check_adapter, facts_of, user_function
from .stains import StainNormalised
from .weights import file_of

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}
#: A patch is resized to this many times the input before crops are cut out of its corners: 256 for 224.
CROP_MARGIN = 8 / 7


class NetworkEncoder:
    """A network with resizing, cropping and normalisation, all on its device.

    Resizing is antialiased and rounds to whole grey levels, as the PIL transforms do that published encoders
    were trained and evaluated with. With `crops` 5, four corners and the centre are encoded and averaged.
    """

    def __init__(self, network: nn.Module, facts: Facts, crops: int = 1):
        self.network = network.eval().requires_grad_(False)
        self.dim, self.input_size, self.resize = facts.dim, facts.input_size, facts.resize
        self.mean, self.std = facts.mean, facts.std
        self.interpolation, self.precision = facts.interpolation, facts.precision
        self.crops = crops
        if crops > 1:
            self.resize = max(facts.resize, round(facts.input_size * CROP_MARGIN))
        self.to(torch.device("cpu"))

    def to(self, device: torch.device) -> NetworkEncoder:
        """Move network and constants to `device`."""
        self.device = torch.device(device)
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        self._scale = (1 / (255 * std)).view(1, 3, 1, 1).to(self.device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(self.device)
        return self

    def prepare(self, batch: Tensor) -> Tensor:
        """uint8 N x P x P x 3 to normalised float32 (crops · N) x 3 x S x S, channels last, crop by crop."""
        images = batch.permute(0, 3, 1, 2)
        if images.shape[-1] != self.resize or images.shape[-2] != self.resize:
            images = resized(images, self.resize, self.interpolation)
        if self.resize != self.input_size:
            images = torch.cat(
                [images[..., y : y + self.input_size, x : x + self.input_size] for y, x in self._corners()]
            )
        images = images.to(torch.float32, memory_format=torch.channels_last)
        return images.mul_(self._scale).add_(self._shift)

    def _corners(self) -> list[tuple[int, int]]:
        """Top left corners of the crops: the centre, then the four corners if requested."""
        margin = self.resize - self.input_size
        middle = round(margin / 2)
        return [(middle, middle), (0, 0), (0, margin), (margin, 0), (margin, margin)][: self.crops]

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Encode uint8 patches N x P x P x 3 to float32 N x dim."""
        images = self.prepare(batch)
        lowered = self.precision in DTYPES
        with torch.autocast(self.device.type, DTYPES[self.precision]) if lowered else nullcontext():
            # explicit: under autocast the last layer determines the type
            features = self.network(images).to(torch.float32)
        return features if self.crops == 1 else features.view(self.crops, len(batch), -1).mean(0)


class MeanColour:
    """The null encoder: mean red, green and blue of a patch in 0..1. For tests and benchmarks, not for science."""

    dim, input_size, interpolation = 3, 0, "bicubic"
    mean = std = (0.5, 0.5, 0.5)

    def to(self, device: torch.device) -> MeanColour:
        """Nothing to move."""
        return self

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """uint8 N x P x P x 3 to float32 N x 3."""
        pixels = batch.shape[1] * batch.shape[2] * 255.0
        return (batch.sum((1, 2), dtype=torch.int64).to(torch.float64) / pixels).to(torch.float32)


def resized(images: Tensor, size: int, interpolation: str) -> Tensor:
    """uint8 N x 3 x H x W to uint8 N x 3 x size x size, antialiased."""
    options: dict[str, Any] = {"mode": interpolation, "antialias": True, "align_corners": False}
    if images.device.type == "cpu":
        return functional.interpolate(images, (size, size), **options)
    values = functional.interpolate(images.to(torch.float32), (size, size), **options)
    return values.round_().clamp_(0, 255)


def _efficientnet_lite0(path: str, facts: Facts) -> nn.Module:
    from . import efficientnet_lite
    from .weights import load_weights

    return efficientnet_lite.folded(efficientnet_lite.load(load_weights(path)))


def _conch(name: str, path: str, facts: Facts) -> nn.Module:
    from . import conch

    return getattr(conch, f"load_{name}")(path)


def _timm(name: str, path: str, facts: Facts) -> nn.Module:
    from . import timm_encoders

    return getattr(timm_encoders, f"load_{name}")(path)


def _vision_transformer(name: str, path: str, facts: Facts) -> nn.Module:
    from .timm_encoders import load_vision_transformer

    other_size = {"dynamic_img_size": True} if facts.input_size != ADAPTERS[name].input_size else {}
    return load_vision_transformer(name, path, facts.tokens, **other_size)


def loader_of(adapter: str) -> Callable[[str, Facts], nn.Module]:
    """The function of (weights file, facts) that builds the network of a built-in adapter."""
    if adapter == "efficientnet_lite0":
        return _efficientnet_lite0
    if adapter in ("conch_v1", "conch_v15"):
        return partial(_conch, adapter)
    if adapter in ("ctranspath", "resnet50"):
        return partial(_timm, adapter)
    return partial(_vision_transformer, adapter)


def build(weights: Sequence[str], config: EncoderSettings) -> Encoder:
    """The encoder of a config entry, on the CPU.

    `config` has `adapter` and optionally mean, std, precision, tokens, crops, stain and options. A user's
    `module:function` is called as function(weights, config) and returns an `Encoder`. Raises ValueError for an
    unknown adapter, missing weights, or weights of another network.
    """
    adapter = config["adapter"]
    check_adapter(adapter)
    if adapter not in ADAPTERS:
        encoder = user_function(adapter)(list(weights), dict(config))
    elif adapter == "mean_colour":
        encoder = MeanColour()
    else:
        facts = facts_of(config)
        network = loader_of(adapter)(file_of(weights, adapter), facts)
        encoder = NetworkEncoder(network, facts, config.get("crops") or 1)
    stain = config.get("stain")
    if stain and stain.get("method"):
        encoder = StainNormalised(encoder, stain)
    return encoder
