"""Drawing a synthetic H&E section: tumour nests and glands, stroma, lymphocytes, rare events, stain.

Drawn as two stains in optical density (haematoxylin and eosin, float32), at 0.5 micrometres per pixel, and only
then turned into colours; so a stain can change its hue and strength from case to case as it does in real cohorts.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .truth import FOCAL, FOCAL_COUNT, STRAY, Truth

# Optical density of the two stains in red, green, blue (after Ruifrok and Johnston 2001).
HAEMATOXYLIN = np.array([0.65, 0.70, 0.29], np.float32)
EOSIN = np.array([0.10, 0.95, 0.28], np.float32)
EVENT_RADIUS = (85, 125)


@dataclass
class Canvas:
    """The two stains of a section, and its tissue mask (all height x width)."""

    haematoxylin: np.ndarray
    eosin: np.ndarray
    tissue: np.ndarray


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], grain: int) -> np.ndarray:
    """Smooth noise in 0..1 (float32) with structures of about `grain` pixels."""
    small = rng.random((max(2, shape[0] // grain + 2), max(2, shape[1] // grain + 2))).astype(np.float32)
    field = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return cv2.normalize(field, np.empty_like(field), 0, 1, cv2.NORM_MINMAX)


def nucleus(rng: np.random.Generator, radius: float, dark: float) -> np.ndarray:
    """A stamp of one nucleus: an ellipse with a darker rim and granular inside (float32, 0 outside)."""
    size = int(np.ceil(radius * 2.6)) | 1
    ys, xs = np.mgrid[:size, :size] - size // 2
    angle, stretch = rng.uniform(0, np.pi), rng.uniform(0.7, 1.0)
    u, v = xs * np.cos(angle) + ys * np.sin(angle), (ys * np.cos(angle) - xs * np.sin(angle)) / stretch
    distance = np.hypot(u, v) / radius
    inside = 1 / (1 + np.exp((distance - 1) * radius * 1.6))
    chromatin = 0.75 + 0.25 * smooth_noise(rng, (size, size), 4) + 0.25 * np.exp(-(((distance - 0.85) / 0.2) ** 2))
    return (inside * chromatin * dark).astype(np.float32)


def stamp(target: np.ndarray, stamps: list[np.ndarray], points: np.ndarray, rng: np.random.Generator) -> None:
    """Put random stamps at `points` (N x 2: x, y), keeping the darker value."""
    height, width = target.shape
    chosen = rng.integers(0, len(stamps), len(points))
    for (x, y), index in zip(points.astype(int).tolist(), chosen.tolist(), strict=True):
        cell = stamps[index]
        half = cell.shape[0] // 2
        if half <= x < width - half - 1 and half <= y < height - half - 1:
            window = target[y - half : y + half + 1, x - half : x + half + 1]
            np.maximum(window, cell, out=window)


def scatter(rng: np.random.Generator, mask: np.ndarray, spacing: float, share: float = 1.0) -> np.ndarray:
    """Points (N x 2: x, y) on a jittered grid of `spacing` pixels inside a boolean mask, a random `share` of them."""
    height, width = mask.shape
    ys, xs = np.mgrid[0 : height : spacing * 0.87, 0:width:spacing]  # type: ignore[misc]  # numpy's own notation
    xs = xs + (np.arange(len(xs)) % 2)[:, None] * spacing / 2
    points = np.stack([xs.ravel(), ys.ravel()], 1) + rng.normal(0, spacing * 0.18, (xs.size, 2))
    points = points[rng.random(len(points)) < share]
    inside = (points >= 0).all(1) & (points[:, 0] < width) & (points[:, 1] < height)
    points = points[inside]
    return points[mask[points[:, 1].astype(int), points[:, 0].astype(int)]]


def draw_section(rng: np.random.Generator, truth: Truth, width: int, height: int) -> np.ndarray:
    """RGB uint8 height x width x 3 of a section of this case at 0.5 micrometres per pixel."""
    return develop(rng, draw_canvas(rng, truth, width, height))


def draw_canvas(rng: np.random.Generator, truth: Truth, width: int, height: int) -> Canvas:
    """The same section before staining, for callers that need its tissue mask."""
    canvas, tumour = draw_tissue(rng, width, height)
    libraries = make_nuclei(rng, truth)
    draw_tumour(rng, canvas, tumour, truth, libraries)
    draw_stroma(rng, canvas, canvas.tissue & ~tumour, truth, libraries)
    draw_events(rng, canvas, truth, libraries)
    return canvas


def make_nuclei(rng: np.random.Generator, truth: Truth) -> dict[str, list[np.ndarray]]:
    """Stamps by cell: tumour nuclei grow and vary with grade."""
    size = 6.3 + 1.0 * np.clip(truth.grade, -2, 2)
    spread = 0.12 + 0.06 * np.clip(truth.grade, -1.5, 2)
    return {
        "tumour": [nucleus(rng, max(3.5, size * rng.normal(1, spread)), rng.uniform(0.5, 0.8)) for _ in range(40)],
        "stroma": [nucleus(rng, rng.uniform(3.0, 4.5), rng.uniform(0.5, 0.8)) for _ in range(20)],
        "lymphocyte": [nucleus(rng, rng.uniform(3.6, 4.3), rng.uniform(0.95, 1.2)) for _ in range(20)],
        "debris": [nucleus(rng, rng.uniform(1.2, 2.4), rng.uniform(0.6, 1.1)) for _ in range(12)],
    }


def draw_tissue(rng: np.random.Generator, width: int, height: int) -> tuple[Canvas, np.ndarray]:
    """Outline of the section with stroma everywhere, and a mask of where the tumour grows."""
    shape = (height, width)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    radial = np.hypot((xs / width - 0.5) * 2, (ys / height - 0.5) * 2)
    outline = radial + 0.5 * (smooth_noise(rng, shape, 500) - 0.5) < rng.uniform(0.86, 1.02)
    warp = smooth_noise(rng, shape, 260) * 9 + smooth_noise(rng, shape, 60) * 2
    angle = rng.uniform(0, np.pi)
    fibres = 0.5 + 0.5 * np.sin((xs * np.cos(angle) + ys * np.sin(angle)) / 5.5 + warp * 3)
    eosin = 0.34 + 0.22 * fibres + 0.12 * smooth_noise(rng, shape, 25)
    cleft = smooth_noise(rng, shape, 18) + 0.35 * fibres > 1.05
    eosin[cleft] *= 0.25
    edge = cv2.GaussianBlur(outline.astype(np.float32), (0, 0), 3)
    canvas = Canvas(np.float32(0.05) * edge, (eosin * edge).astype(np.float32), outline)
    field = smooth_noise(rng, shape, 330)
    share = rng.uniform(0.35, 0.7)
    return canvas, outline & (field > np.quantile(field[::8, ::8], 1 - share))


def draw_tumour(rng, canvas: Canvas, tumour: np.ndarray, truth: Truth, libraries) -> None:
    """Solid nests, or glands with lumens: the subtype decides the mixture."""
    shape = tumour.shape
    glandular_share = 1 / (1 + np.exp(-(1.1 * (1 if truth.subtype == 0 else -1) + rng.normal(0, 0.8))))
    soft = cv2.GaussianBlur(tumour.astype(np.float32), (0, 0), 4)
    canvas.eosin[:] = canvas.eosin * (1 - soft) + soft * (0.42 + 0.1 * smooth_noise(rng, shape, 30))
    canvas.haematoxylin += soft * 0.1
    field = smooth_noise(rng, shape, 400)
    glandular = tumour & (field < np.quantile(field[::8, ::8], glandular_share))
    lumens, rings = np.zeros(shape, np.uint8), []
    for x, y in scatter(rng, glandular, 125):
        radius = rng.uniform(17, 40)
        axes = (int(radius), int(radius * rng.uniform(0.6, 1.0)))
        tilt = rng.uniform(0, 180)
        cv2.ellipse(lumens, (int(x), int(y)), axes, tilt, 0, 360, 1, -1)
        turns = np.linspace(0, 2 * np.pi, int(radius * 0.62), endpoint=False)
        for layer in (9, 21):
            u, v = (axes[0] + layer) * np.cos(turns), (axes[1] + layer) * np.sin(turns)
            c, s = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
            rings.append(np.stack([x + u * c - v * s, y + u * s + v * c], 1) + rng.normal(0, 1.2, (len(turns), 2)))
    open_space = cv2.GaussianBlur((lumens * canvas.tissue).astype(np.float32), (0, 0), 1.5)
    canvas.eosin *= 1 - 0.93 * open_space
    canvas.haematoxylin *= 1 - 0.9 * open_space
    if rings:
        points = np.concatenate(rings)
        keep = (points >= 0).all(1) & (points[:, 0] < shape[1]) & (points[:, 1] < shape[0])
        points = points[keep]
        stamp(
            canvas.haematoxylin,
            libraries["tumour"],
            points[canvas.tissue[points[:, 1].astype(int), points[:, 0].astype(int)]],
            rng,
        )
    stamp(canvas.haematoxylin, libraries["tumour"], scatter(rng, tumour & ~glandular, 19), rng)


def draw_stroma(rng, canvas: Canvas, stroma: np.ndarray, truth: Truth, libraries) -> None:
    """Spindle cells everywhere, lymphocytes by immune infiltration, in the stroma and a little in the tumour."""
    stamp(canvas.haematoxylin, libraries["stroma"], scatter(rng, stroma, 34, 0.8), rng)
    infiltration = 1 / (1 + np.exp(-(1.1 * truth.immune + rng.normal(0, 0.9) - 1.2)))
    patchy = stroma & (smooth_noise(rng, stroma.shape, 120) > 0.45)
    stamp(canvas.haematoxylin, libraries["lymphocyte"], scatter(rng, patchy, 14, 0.75 * infiltration), rng)
    stamp(canvas.haematoxylin, libraries["lymphocyte"], scatter(rng, canvas.tissue, 30, 0.25 * infiltration), rng)


def draw_events(rng, canvas: Canvas, truth: Truth, libraries) -> None:
    """The rare events: a few places of about a patch's size in a case that has them, now and then a stray one."""
    inner = cv2.erode(canvas.tissue.astype(np.uint8), np.ones((81, 81), np.uint8))
    ys, xs = np.nonzero(inner[::16, ::16])
    for name in FOCAL:
        count = int(rng.integers(*FOCAL_COUNT)) if truth.focal[name] else int(rng.random() < STRAY)
        for place in rng.integers(0, max(1, len(xs)), count if len(xs) else 0):
            radius = int(rng.uniform(*EVENT_RADIUS))
            draw_event(rng, canvas, name, int(xs[place]) * 16, int(ys[place]) * 16, radius, libraries)


def draw_event(rng, canvas: Canvas, name: str, x: int, y: int, radius: int, libraries) -> None:
    """One event in a wobbly disc at (x, y)."""
    top, left = max(0, y - radius - 20), max(0, x - radius - 20)
    window = np.s_[top : y + radius + 20, left : x + radius + 20]
    h, e = canvas.haematoxylin[window], canvas.eosin[window]
    ys, xs = np.mgrid[: h.shape[0], : h.shape[1]].astype(np.float32)
    wobble = radius * (0.75 + 0.4 * smooth_noise(rng, h.shape, 60))
    disc = (np.hypot(xs - (x - left), ys - (y - top)) < wobble) & canvas.tissue[window]
    soft = cv2.GaussianBlur(disc.astype(np.float32), (0, 0), 4)
    noise = smooth_noise(rng, h.shape, 12)
    paint = {
        "mucin": (0.10 + 0.10 * noise, 0.03 + 0.03 * noise),
        "aggregates": (0.20 + 0 * noise, 0.22 + 0 * noise),
        "necrosis": (0.06 + 0.10 * noise, 0.62 + 0.30 * smooth_noise(rng, h.shape, 5)),
        "haemorrhage": (0.02 + 0 * noise, 0.25 + 0.1 * noise),
    }[name]
    h[:] = h * (1 - soft) + soft * paint[0]
    e[:] = e * (1 - soft) + soft * paint[1]
    if name == "aggregates":
        stamp(h, libraries["lymphocyte"], scatter(rng, disc, 10.5), rng)
    elif name == "necrosis":
        stamp(h, libraries["debris"], scatter(rng, disc, 12, 0.6), rng)
    elif name == "mucin":
        stamp(h, libraries["stroma"], scatter(rng, disc, 55, 0.6), rng)
    else:
        cells = [np.clip(cell / cell.max(), 0, 1) * rng.uniform(0.9, 1.3) for cell in libraries["stroma"]]
        stamp(e, cells, scatter(rng, disc, 9.5, 0.9), rng)


def develop(rng: np.random.Generator, canvas: Canvas) -> np.ndarray:
    """Stains to colours, with the hue, strength, haze and grain of this case's laboratory and scanner."""
    strength = rng.uniform(0.75, 1.25, 2)
    hues = [stain * (1 + rng.normal(0, 0.09, 3)) for stain in (HAEMATOXYLIN, EOSIN)]
    density = np.empty((*canvas.tissue.shape, 3), np.float32)
    for channel in range(3):
        density[..., channel] = canvas.haematoxylin * np.float32(1.75 * strength[0] * hues[0][channel])
        density[..., channel] += canvas.eosin * np.float32(0.85 * strength[1] * hues[1][channel])
    density = cv2.GaussianBlur(density, (0, 0), rng.uniform(0.45, 0.75))
    light = rng.uniform(238, 247, 3).astype(np.float32)
    picture = light * np.exp(-density)
    picture += rng.standard_normal(picture.shape, np.float32) * np.float32(1.5)
    return np.clip(picture, 0, 255).astype(np.uint8)
