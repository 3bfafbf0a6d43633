"""What the benchmarks of features read and encode with: slides in memory, and networks as a user would bring them."""

import cv2
import numpy as np
import torch

SIZE, EDGE = 512, 100 * 512


class MemorySlide:
    """Noise of one patch's size that is met everywhere on a slide (synthetic): pixels cost a copy and no more."""

    levels = [(2 * EDGE, 2 * EDGE, 1.0), (EDGE, EDGE, 2.0)]

    def __init__(self):
        self.pixels = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)

    def region(self, x, y, level, width, height):
        """The reader's interface."""
        return self.pixels


def open_memory(path):
    """Opens any path."""
    return MemorySlide()


def null(weights, config):
    """The null encoder, mean colour, by OpenCV (adapter `bench_encoders:null`)."""
    return Null()


class Null:
    """Rows are the mean red, green and blue, 0 to 255."""

    dim, input_size, interpolation, mean, std = 3, 0, "bicubic", (0.5,) * 3, (0.5,) * 3

    def to(self, device):
        """Nothing to move."""
        return self

    def __call__(self, batch):
        """uint8 N x P x P x 3 to float32 N x 3."""
        return mean_colours(batch)


def mean_colours(batch):
    """Mean red, green and blue of each patch of a batch on the CPU."""
    return torch.tensor([cv2.mean(patch)[:3] for patch in batch.numpy()])


def vit_small(weights, config):
    """ViT-S/16 at 224 px, random weights (adapter `bench_encoders:vit_small`)."""
    return _of_timm("vit_small_patch16_224", config.get("precision") or "fp32", 224)


def vit_large_448(weights, config):
    """ViT-L/16 at 448 px, random weights, as large as CONCHv1.5's trunk."""
    return _of_timm("vit_large_patch16_224", config.get("precision") or "bf16", 448)


def _of_timm(name, precision, size):
    import timm
    from molpath.features.encoders import NetworkEncoder
    from molpath.features.registry import Facts

    network = timm.create_model(name, num_classes=0, img_size=size)
    facts = Facts(
        network=name,
        dim=network.num_features,
        input_size=size,
        resize=size,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        tokens="cls",
        precision=precision,
        licence="",
    )
    return NetworkEncoder(network, facts)
