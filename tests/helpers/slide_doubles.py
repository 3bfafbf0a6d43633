"""Slides that are arrays on disk, and openers that misbehave; importable by reader processes."""

import os
import time
from pathlib import Path

import numpy as np


class ArraySlide:
    """Two levels of an .npy file (uint8 H x W x 3), the second half as large; white beyond the edges."""

    def __init__(self, path):
        pixels = np.load(path)
        height, width = (np.array(pixels.shape[:2]) // 2 * 2).tolist()
        half = pixels[:height, :width].reshape(height // 2, 2, width // 2, 2, 3).mean((1, 3)).round().astype(np.uint8)
        self.pixels = [pixels, half]
        self.levels = [(p.shape[1], p.shape[0], 2.0**i) for i, p in enumerate(self.pixels)]

    def region(self, x, y, level, width, height):
        """The reader's interface."""
        x, y = int(x / 2**level), int(y / 2**level)
        out = np.full((height, width, 3), 255, np.uint8)
        pixels = self.pixels[level][y : y + height, x : x + width]
        out[: pixels.shape[0], : pixels.shape[1]] = pixels
        return out


def open_array(path):
    """Open a slide; the file's name says what goes wrong."""
    name = Path(path).stem
    if name.startswith("crash"):
        os.abort()
    if name.startswith("hang"):
        time.sleep(600)
    if name.startswith("broken"):
        raise OSError("not a slide at all")
    return ArraySlide(path)


def open_at_half_scale(path, half_scale=False):
    """Like `open_array`, darker if half scale is asked for."""
    slide = ArraySlide(path)
    slide.pixels[0] = slide.pixels[0] // (2 if half_scale else 1)
    return slide


def open_slowly(path):
    """Like `open_array`, with time to be killed in."""
    time.sleep(0.2)
    return ArraySlide(path)


def refuse(path):
    """Nothing may be opened."""
    raise AssertionError(f"{path} was opened")


def constant_encoder(weights, config):
    """A user's own encoder: the first pixel of every patch."""
    return FirstPixel()


class FirstPixel:
    """Rows are the first pixel's colours."""

    dim, input_size, interpolation, mean, std = 3, 0, "bicubic", (0.5,) * 3, (0.5,) * 3

    def to(self, device):
        """Nothing to move."""
        return self

    def __call__(self, batch):
        """The encoder's interface."""
        return batch[:, 0, 0].float()


def overflowing_encoder(weights, config):
    """An encoder whose output is too large for fp16."""
    return Overflowing()


class Overflowing(FirstPixel):
    """Rows beyond 65504."""

    def __call__(self, batch):
        """The encoder's interface."""
        return batch[:, 0, 0].float() * 0 + 1e6


def open_in_folder(path):
    """A slide whose pixels are in a folder next to its file, as with MRXS."""
    return ArraySlide(Path(path).with_suffix("") / "pixels.npy")
