"""What an encoder is to the extractor, and the class that makes one of a torch network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from .registry import ADAPTERS, Facts, check_adapter, facts_of, user_function

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Encoder(Protocol):
    """What a user's `module:function` must return. Rows are independent of each other."""

    dim: int
    input_size: int
    mean: Sequence[float]
    std: Sequence[float]
    interpolation: str

    def to(self, device: torch.device) -> Encoder:
        """Move to a device."""

    def __call__(self, batch: Tensor) -> Tensor:
        """Encode uint8 patches N x P x P x 3 (RGB) on the encoder's device to float32 N x dim there."""


class NetworkEncoder:
    """A network behind resizing and normalisation, both on its device.

    Resizing is antialiased and rounds to whole grey levels, as the PIL transforms do that published encoders
    were trained and evaluated with.
    """

    def __init__(self, network: nn.Module, facts: Facts):
        self.network = network.eval().requires_grad_(False)
        self.dim, self.input_size = facts.dim, facts.input_size
        self.mean, self.std = facts.mean, facts.std
        self.interpolation, self.precision = facts.interpolation, facts.precision
        self.to(torch.device("cpu"))

    def to(self, device: torch.device) -> NetworkEncoder:
        """Move network and constants to `device`."""
        self.device = torch.device(device)
        self.network.to(self.device, memory_format=torch.channels_last)
        mean, std = torch.tensor(self.mean), torch.tensor(self.std)
        self._scale = (1 / (255 * std)).view(1, 3, 1, 1).to(self.device)
        self._shift = (-mean / std).view(1, 3, 1, 1).to(self.device)
        return self

    def prepare(self, batch: Tensor) -> Tensor:
        """uint8 N x P x P x 3 to normalised float32 N x 3 x S x S, channels last."""
        images = batch.permute(0, 3, 1, 2)
        if images.shape[-1] != self.input_size or images.shape[-2] != self.input_size:
            images = resized(images, self.input_size, self.interpolation)
        images = images.to(torch.float32, memory_format=torch.channels_last)
        return images.mul_(self._scale).add_(self._shift)

    @torch.inference_mode()
    def __call__(self, batch: Tensor) -> Tensor:
        """Encode uint8 patches N x P x P x 3 to float32 N x dim."""
        images = self.prepare(batch)
        lowered = self.precision in DTYPES
        with torch.autocast(self.device.type, DTYPES[self.precision]) if lowered else nullcontext():
            return self.network(images).to(torch.float32)


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
    options = {"mode": interpolation, "antialias": True, "align_corners": False}
    if images.device.type == "cpu":
        return functional.interpolate(images, (size, size), **options)
    values = functional.interpolate(images.to(torch.float32), (size, size), **options)
    return values.round_().clamp_(0, 255)


def load_weights(path: str) -> dict[str, Tensor]:
    """State dict from safetensors, or from a torch file that loads without running code (`weights_only`)."""
    if str(path).endswith(".safetensors"):
        from safetensors.torch import load_file

        return load_file(path)
    return torch.load(path, map_location="cpu", weights_only=True)


def _efficientnet_lite0(weights: Sequence[str], facts: Facts) -> Encoder:
    from . import efficientnet_lite

    network = efficientnet_lite.load(load_weights(weights[0]))
    return NetworkEncoder(efficientnet_lite.folded(network), facts)


#: Adapter name -> function of (weight files, facts); the same names as `registry.ADAPTERS`.
BUILDERS: dict[str, Callable[[Sequence[str], Facts], Encoder]] = {
    "efficientnet_lite0": _efficientnet_lite0,
    "mean_colour": lambda weights, facts: MeanColour(),
}


def build(weights: Sequence[str], config: Mapping[str, Any]) -> Encoder:
    """The encoder a config entry asks for, on the CPU.

    `config` has `adapter` and optionally mean, std, precision and options. A user's `module:function` is
    called as function(weights, config) and returns an `Encoder`. Raises ValueError for an unknown adapter
    or missing weights.
    """
    adapter = config["adapter"]
    check_adapter(adapter)
    if adapter not in ADAPTERS:
        return user_function(adapter)(list(weights), dict(config))
    facts = facts_of(config)
    if facts.needs_weights and not weights:
        raise ValueError(f"encoder {config.get('name', adapter)} needs a file of weights (key `weights`)")
    return BUILDERS[adapter](weights, facts)
