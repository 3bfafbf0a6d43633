"""Stain normalisation before the encoder, off unless a config asks for it: Macenko's and Reinhard's, of torchstain."""

from __future__ import annotations

import logging

import numpy as np
import torch
from torch import Tensor

from ..common.settings.features import Stain
from .interface import Encoder

log = logging.getLogger(__name__)

#: Below this share of stained pixels (optical density as torchstain has it) a patch stays as it is: stain vectors
#: of a few dozen pixels are noise.
LEAST_STAINED = 0.05
TRANSMITTED, DENSITY = 240, 0.15  # torchstain's own
#: Pixels of a target: ten times an ordinary field of view.
LARGEST_TARGET = 50_000_000


class StainNormalised:
    """An encoder that sees patches as if they were stained like a target.

    `settings` has `method` (macenko, reinhard) and `target`, the path of an image; without one Macenko's method uses
    its published reference, and Reinhard's can't work. Patches are normalised one by one, each by its own stains.
    """

    def __init__(self, encoder: Encoder, settings: Stain):
        self.encoder, self.method = encoder, settings["method"]
        self.dim, self.input_size = encoder.dim, encoder.input_size
        self.mean, self.std, self.interpolation = encoder.mean, encoder.std, encoder.interpolation
        self.normaliser = _normaliser(self.method)
        if settings.get("target"):
            self.normaliser.fit(_read(settings["target"]))
        elif self.method == "reinhard":
            raise ValueError("stain normalisation by Reinhard's method needs a target image (key `stain/target`)")

    def to(self, device: torch.device) -> StainNormalised:
        """Move the encoder; stains are separated on the CPU, where small decompositions are fast."""
        self.device = torch.device(device)
        self.encoder.to(device)
        return self

    def __call__(self, batch: Tensor) -> Tensor:
        """Encode uint8 patches N x P x P x 3 to float32 N x dim."""
        patches = torch.stack([self.normalised(patch) for patch in batch.cpu()])
        return self.encoder(patches.to(batch.device))

    def normalised(self, patch: Tensor) -> Tensor:
        """A uint8 patch P x P x 3 with the target's stains; as it is where too little of it is stained."""
        if not _has_stains(patch):
            return patch
        image = patch.permute(2, 0, 1)
        if self.method == "macenko":
            values, _, _ = self.normaliser.normalize(image, stains=False)
        else:
            values = self.normaliser.normalize(image)
        return values.clamp(0, 255).to(torch.uint8)


def _has_stains(patch: Tensor) -> bool:
    """True with enough stained pixels of more than one colour: else there is nothing to separate."""
    pixels = patch.reshape(-1, 3).to(torch.float32)
    stained = (-torch.log((pixels + 1) / TRANSMITTED) >= DENSITY).all(1)
    return float(stained.to(torch.float32).mean()) >= LEAST_STAINED and bool((pixels[stained].std(0) >= 1).all())


def _normaliser(method: str):
    try:
        from torchstain import normalizers
    except ImportError as error:
        raise ValueError(
            "stain normalisation needs the package torchstain (pip install torchstain==1.4.1); leave `stain` out of "
            "the encoder to do without"
        ) from error
    names = {"macenko": normalizers.MacenkoNormalizer, "reinhard": normalizers.ReinhardNormalizer}
    return names[method](backend="torch")


def _read(path: str) -> Tensor:
    from PIL import Image

    with Image.open(path) as image:
        width, height = image.size
        if width * height > LARGEST_TARGET:
            raise ValueError(f"{path}: {width} x {height} pixels; cut out a region of {LARGEST_TARGET:,} at most")
        return torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
