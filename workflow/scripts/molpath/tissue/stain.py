"""Stains of a slide and their strength: optical density, Macenko's stain vectors, hue, light of the glass."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

#: Directions of haematoxylin and of eosin in optical density (red, green, blue): those of Ruifrok and Johnston 2001
#: and of Macenko and others 2009, between which laboratories vary.
HAEMATOXYLIN = np.array([[0.65, 0.70, 0.29], [0.5626, 0.7201, 0.4062]])
EOSIN = np.array([[0.07, 0.99, 0.11], [0.2159, 0.8012, 0.5581]])
#: Least optical density of a pixel with a measurable stain.
FAINT = 0.15
#: Pixels that stain vectors are computed from, at most.
SAMPLE = 20_000


def glass_of(image: np.ndarray, tissue: np.ndarray) -> np.ndarray:
    """Red, green, blue (float 3) of the glass in an RGB uint8 image: the brightest tenth of what is not tissue."""
    empty = image[::2, ::2][~tissue[::2, ::2]]
    if len(empty) < 0.01 * tissue[::2, ::2].size:
        return np.percentile(image[::2, ::2].reshape(-1, 3), 99, axis=0)
    return np.percentile(empty, 90, axis=0)


@dataclass(frozen=True)
class Density:
    """Optical density (decadic, in hundredths) in red, green, blue, and the least and most of them: uint8 planes."""

    red: np.ndarray
    green: np.ndarray
    blue: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray

    def of(self, mask: np.ndarray) -> np.ndarray:
        """Densities (uint8 N x 3) of the pixels of a boolean mask."""
        return np.stack([self.red[mask], self.green[mask], self.blue[mask]], axis=1)


def densities(image: np.ndarray, glass: np.ndarray) -> Density:
    """Optical density of an RGB uint8 image against the light of the glass (red, green, blue)."""
    values = np.arange(256, dtype=np.float64)[:, None]
    table = np.clip(np.round(-100 * np.log10(np.maximum(values, 1) / np.maximum(glass, 1))), 0, 255)
    red, green, blue = cv2.split(cv2.LUT(image, table.astype(np.uint8)[None]))
    lowest, highest = cv2.min(cv2.min(red, green), blue), cv2.max(cv2.max(red, green), blue)
    return Density(red, green, blue, lowest, highest)


def stain_vectors(density: np.ndarray) -> np.ndarray:
    """The two stains' directions (float 2 x 3, the more violet first) in optical densities (float N x 3).

    Macenko and others 2009: in the plane of the two largest principal components, the directions at the first and
    last per cent of the angles.
    """
    _, vectors = np.linalg.eigh(np.cov(density.T))
    plane = vectors[:, [2, 1]]
    plane = plane * np.where(plane.sum(0) < 0, -1, 1)
    on_plane = density @ plane
    low, high = np.percentile(np.arctan2(on_plane[:, 1], on_plane[:, 0]), [1, 99])
    stains = np.array([plane @ [np.cos(angle), np.sin(angle)] for angle in (low, high)])
    stains = np.maximum(stains, 0) / np.linalg.norm(stains, axis=1, keepdims=True)
    return stains[np.argsort(stains[:, 1] - stains[:, 0])]


def angle_to(vector: np.ndarray, references: np.ndarray) -> float:
    """Degrees between a direction (float 3) and the nearest mixture of references (float N x 3)."""
    from scipy.optimize import nnls

    _, distance = nnls(references.T, vector)
    return float(np.degrees(np.arcsin(min(1.0, distance / np.linalg.norm(vector)))))


def he_angle(vectors: np.ndarray) -> float:
    """How far two stain vectors (float 2 x 3, the more violet first) are from haematoxylin and eosin, in degrees.

    Low resolution mixes stains, so either may be anywhere between the two; the pinker one must lean to eosin.
    """
    half = HAEMATOXYLIN / np.linalg.norm(HAEMATOXYLIN, axis=1, keepdims=True) + EOSIN
    pink = np.vstack([EOSIN, half])
    return max(angle_to(vectors[0], np.vstack([HAEMATOXYLIN, EOSIN])), angle_to(vectors[1], pink))


def measure_stain(image: np.ndarray, density: Density, glass: np.ndarray, clean: np.ndarray) -> dict[str, float]:
    """stain_density, he_angle, hue, brightness of a slide; NaN where there is too little tissue.

    `clean`: boolean mask of tissue without marks on it.
    """
    pixels = density.of(clean)
    numbers = {"stain_density": np.nan, "he_angle": np.nan, "hue": np.nan, "brightness": float(np.mean(glass))}
    if not len(pixels):
        return numbers
    pixels = pixels[:: max(1, len(pixels) // SAMPLE)].astype(np.float64) / 100
    numbers["stain_density"] = float(np.median(pixels[:, 1]))
    counts = np.bincount(cv2.cvtColor(image, cv2.COLOR_RGB2HSV_FULL)[..., 0][clean], minlength=256)
    hue = (counts * np.exp(2j * np.pi * np.arange(256) / 256)).sum()
    numbers["hue"] = float(np.degrees(np.angle(hue)) % 360)
    stained = pixels[pixels.max(1) > FAINT]
    if len(stained) >= max(50, 0.05 * len(pixels)):
        numbers["he_angle"] = he_angle(stain_vectors(stained))
    return numbers


def colourless_fraction(density: Density, tissue: np.ndarray) -> float:
    """Share of what is on the glass that is grey, up to the darkness of tissue."""
    limit = cv2.LUT(density.highest, np.floor(0.8 * np.arange(256)).astype(np.uint8))
    grey = (density.lowest > 8) & (density.lowest < 60) & (density.lowest > limit)
    n_visible = max(float(np.count_nonzero(grey | tissue)), 0.02 * grey.size)
    return float(np.count_nonzero(grey) / n_visible)
