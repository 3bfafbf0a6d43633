"""Interface of an encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor


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
