"""Artefacts planted on pictures of sections, each with a mask of its place: the ground truth for quality control.

Everything works in optical density on RGB uint8 pictures (height x width x 3) of any section, drawn or real, of a
known mpp: ink and dust absorb, a fold puts the section on top of itself, another stain takes eosin's place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np

from .histology import EOSIN, HAEMATOXYLIN, smooth_noise

#: Diaminobenzidine, the brown of immunohistochemistry (after Ruifrok and Johnston 2001).
DAB = np.array([0.27, 0.57, 0.78], np.float32)
#: Inks of markers on glass, by colour: what each lets through of red, green, blue.
INKS = {
    "blue": [(0.10, 0.25, 0.70), (0.16, 0.30, 0.62), (0.25, 0.45, 0.85)],
    "green": [(0.06, 0.50, 0.25), (0.20, 0.60, 0.35), (0.15, 0.45, 0.40)],
    "black": [(0.08, 0.08, 0.09), (0.14, 0.13, 0.15)],
    "red": [(0.85, 0.10, 0.12), (0.75, 0.08, 0.06)],
}
LIGHT = 245.0

Rng = np.random.Generator
#: A picture with the artefact and its mask (boolean height x width).
Planted = tuple[np.ndarray, np.ndarray]


def density_of(picture: np.ndarray) -> np.ndarray:
    """Optical density (natural logarithm, float32 height x width x 3) of a picture against bright glass."""
    table = -np.log(np.clip(np.arange(256, dtype=np.float32), 4, LIGHT) / np.float32(LIGHT))
    return table[picture]


def picture_of(rng: Rng, density: np.ndarray, light: float = LIGHT) -> np.ndarray:
    """Optical density as a picture, with the grain of a camera."""
    picture = np.float32(light) * np.exp(-density)
    picture += rng.standard_normal(picture.shape, np.float32) * np.float32(1.2)
    return np.clip(picture, 0, 255).astype(np.uint8)


def within(mask: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """`after` where the mask is, `before` elsewhere."""
    return np.where(mask[..., None], after, before)


def wandering_line(rng: Rng, tissue: np.ndarray, length: float, bend: float) -> np.ndarray:
    """Points (int32 N x 2: x, y) of a line of `length` pixels through a random place of the tissue."""
    ys, xs = np.nonzero(tissue[::8, ::8])
    place = rng.integers(len(xs))
    headings = rng.uniform(0, np.pi) + np.cumsum(rng.normal(0, bend, 24))
    steps = np.stack([np.cos(headings), np.sin(headings)], 1) * length / 24
    points = np.cumsum(steps, 0)
    return (points - points[12] + (xs[place] * 8, ys[place] * 8)).astype(np.int32)


def stroke(shape: tuple[int, int], points: np.ndarray, width: float) -> np.ndarray:
    """Boolean mask (height x width) of a line drawn `width` pixels thick."""
    canvas = np.zeros(shape, np.uint8)
    cv2.polylines(canvas, [points.reshape(-1, 1, 2)], False, 1, max(1, round(width)))
    return canvas.astype(bool)


def pen(rng: Rng, picture: np.ndarray, tissue: np.ndarray, mpp: float, colour: str = "blue") -> Planted:
    """A marker's stroke, 0.3 to 1.2 mm wide; ink is a filter before the section, streaky along its way."""
    width = rng.uniform(300, 1200) / mpp
    mask = stroke(tissue.shape, wandering_line(rng, tissue, rng.uniform(2000, 4000) / mpp, 0.15), width)
    ink = -np.log(np.array(INKS[colour][rng.integers(len(INKS[colour]))], np.float32))
    streaks = 0.8 + 0.4 * smooth_noise(rng, tissue.shape, max(2, round(60 / mpp)))
    return within(mask, picture, picture_of(rng, density_of(picture) + streaks[..., None] * ink)), mask


def blur(rng: Rng, picture: np.ndarray, tissue: np.ndarray, mpp: float) -> Planted:
    """Out of focus (Gaussian, sigma 3 to 8 µm) in large regions, as where a section is not flat."""
    field = smooth_noise(rng, tissue.shape, round(1100 / mpp))
    mask = field > np.quantile(field[::8, ::8][tissue[::8, ::8]], rng.uniform(0.5, 0.75))
    return within(mask, picture, out_of_focus(rng, picture, rng.uniform(3, 8) / mpp)), mask & tissue


def out_of_focus(rng: Rng, picture: np.ndarray, sigma: float) -> np.ndarray:
    """The whole picture blurred by `sigma` pixels before the camera adds its grain."""
    blurred = cv2.GaussianBlur(picture, (0, 0), sigma).astype(np.float32)
    blurred += rng.standard_normal(picture.shape, np.float32) * np.float32(1.2)
    return np.clip(blurred, 0, 255).astype(np.uint8)


def fold(rng: Rng, picture: np.ndarray, tissue: np.ndarray, mpp: float) -> Planted:
    """Bands of 80 to 250 µm where the section overlaps itself: the densities of two layers, or three, add up."""
    mask = np.zeros(tissue.shape, bool)
    density = density_of(picture)
    area_mm2 = tissue.sum() * mpp**2 / 1e6
    for _ in range(rng.integers(1, 2 + int(min(area_mm2, 3)))):
        points = wandering_line(rng, tissue, rng.uniform(900, 2500) / mpp, 0.12)
        mask |= stroke(tissue.shape, points, rng.uniform(80, 250) / mpp) & tissue
    folded = density.copy()
    for _ in range(rng.choice([1, 2], p=[0.75, 0.25])):
        shift = (rng.uniform(100, 400, 2) / mpp).astype(int)
        folded += np.roll(density, shift, (0, 1))
        mask &= np.roll(tissue, shift, (0, 1))
    return within(mask, picture, picture_of(rng, folded)), mask


def bubble(rng: Rng, picture: np.ndarray, tissue: np.ndarray, mpp: float) -> Planted:
    """Air under the coverslip: a dark grey rim of 25 to 60 µm, inside paler, displaced and a little blurred."""
    ys, xs = np.nonzero(tissue[::8, ::8])
    disc, rim = np.zeros(tissue.shape, np.uint8), np.zeros(tissue.shape, np.uint8)
    for place in rng.integers(0, len(xs), rng.integers(1, 4)):
        radius = min(rng.uniform(250, 700) / mpp, 0.2 * min(tissue.shape))
        axes = (round(radius), round(radius * rng.uniform(0.75, 1)))
        centre, tilt = (int(xs[place]) * 8, int(ys[place]) * 8), rng.uniform(0, 180)
        if cv2.circle(np.zeros_like(disc), centre, round(radius + 120 / mpp), 1, -1)[disc > 0].any():
            continue  # bubbles that touch become one
        cv2.ellipse(disc, centre, axes, tilt, 0, 360, 1, -1)
        cv2.ellipse(rim, centre, axes, tilt, 0, 360, 1, round(rng.uniform(25, 60) / mpp))
    dark = cv2.GaussianBlur(rim.astype(np.float32), (0, 0), 6 / mpp) * np.float32(rng.uniform(1.0, 2.0))
    inside = cv2.GaussianBlur(np.roll(picture, round(40 / mpp), 1), (0, 0), 2.5 / mpp)
    mask = (disc | rim).astype(bool)
    density = np.where(disc[..., None] > 0, 0.75 * density_of(inside), density_of(picture))
    return within(mask, picture, picture_of(rng, density + dark[..., None])), mask


def dust(rng: Rng, picture: np.ndarray, tissue: np.ndarray, mpp: float) -> Planted:
    """Black specks of 40 to 400 µm, and fibres."""
    ys, xs = np.nonzero(tissue[::8, ::8])
    mask = np.zeros(tissue.shape, np.uint8)
    for place in rng.integers(0, len(xs), rng.integers(6, 14)):
        axes = tuple((rng.uniform(40, 400) / 2 / mpp * rng.uniform(0.6, 1, 2)).round().astype(int).tolist())
        cv2.ellipse(mask, (int(xs[place]) * 8, int(ys[place]) * 8), axes, rng.uniform(0, 180), 0, 360, 1, -1)
    for _ in range(3):
        line = wandering_line(rng, tissue, rng.uniform(500, 1200) / mpp, 0.3)
        mask |= stroke(tissue.shape, line, rng.uniform(15, 30) / mpp)
    dark = density_of(picture) + np.float32(rng.uniform(1.8, 3.0))
    return within(mask > 0, picture, picture_of(rng, dark)), mask > 0


def unmix(density: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Amounts of haematoxylin and eosin (float32 height x width), by least squares, none negative."""
    amounts = density @ np.linalg.pinv(np.stack([HAEMATOXYLIN, EOSIN])).astype(np.float32)
    return np.maximum(amounts[..., 0], 0), np.maximum(amounts[..., 1], 0)


def immunostained(rng: Rng, picture: np.ndarray, mpp: float) -> np.ndarray:
    """The section stained by haematoxylin and brown DAB in a random share of the tissue, 5 to 60 %."""
    haematoxylin, eosin = unmix(density_of(picture))
    field = smooth_noise(rng, haematoxylin.shape, round(300 / mpp))
    positive = field > np.quantile(field[::8, ::8], 1 - rng.uniform(0.05, 0.6))
    brown = (0.1 + rng.uniform(1.0, 2.0) * positive) * (eosin + 0.5 * haematoxylin)
    density = 0.6 * haematoxylin[..., None] * HAEMATOXYLIN + brown[..., None] * DAB
    return picture_of(rng, density.astype(np.float32))


def fluorescent(rng: Rng, picture: np.ndarray) -> np.ndarray:
    """Nuclei glowing blue and stroma green on black."""
    haematoxylin, eosin = unmix(density_of(picture))
    glow = haematoxylin[..., None] * np.array([5, 20, 160], np.float32)
    glow += eosin[..., None] * np.array([5, 110, 20], np.float32) + 6
    glow += rng.standard_normal(picture.shape, np.float32) * np.float32(1.5)
    return np.clip(glow, 0, 255).astype(np.uint8)


def grey(picture: np.ndarray) -> np.ndarray:
    """The picture without colour."""
    return np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)


def restained(rng: Rng, picture: np.ndarray, strength: float) -> np.ndarray:
    """The section stained `strength` times as strongly."""
    return picture_of(rng, density_of(picture) * np.float32(strength))


def blank(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Glass: grain, a gentle gradient of the lamp, no tissue."""
    lamp = 236 + 8 * smooth_noise(rng, shape, max(shape))[..., None]
    picture = lamp + rng.standard_normal((*shape, 3), np.float32) * 2
    return np.clip(picture, 0, 255).astype(np.uint8)


def compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    """The picture after JPEG compression of a quality (1 to 100), blocks anchored at (0, 0)."""
    stored = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert decoded is not None  # just encoded
    return np.ascontiguousarray(decoded[..., ::-1])


#: Artefacts of a region, each (rng, picture, tissue mask, mpp) -> (picture, mask).
REGIONAL: dict[str, Callable[..., Planted]] = {
    **{f"pen_{colour}": partial(pen, colour=colour) for colour in INKS},
    "blur": blur,
    "fold": fold,
    "bubble": bubble,
    "dust": dust,
}
#: Artefacts of a whole slide, each (rng, picture, mpp) -> picture.
WHOLE: dict[str, Callable[..., np.ndarray]] = {
    "blurred": lambda rng, picture, mpp: out_of_focus(rng, picture, rng.uniform(3, 8) / mpp),
    "blank": lambda rng, picture, mpp: blank(rng, picture.shape[:2]),
    "immunostained": immunostained,
    "fluorescent": lambda rng, picture, mpp: fluorescent(rng, picture),
    "grey": lambda rng, picture, mpp: grey(picture),
    "under_stained": lambda rng, picture, mpp: restained(rng, picture, rng.uniform(0.15, 0.28)),
    "over_stained": lambda rng, picture, mpp: restained(rng, picture, rng.uniform(3.5, 5.0)),
    "compressed": lambda rng, picture, mpp: compressed(picture, int(rng.integers(6, 18))),
}
