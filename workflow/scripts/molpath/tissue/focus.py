"""Focus: detail at several scales in windows of tissue, and from them which tissue is out of focus."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .overview import Overview

#: Micrometres per pixel at which sharpness is defined.
FOCUS_MPP = 1.0
#: Edge of a window in pixels of the level it is read from, where the slide does not name that of its tiles.
READ = 256
#: Edge of the squares that get a sharpness of their own, in micrometres: half a patch of 512 px at 20x.
BLOCK = 128
#: Variance of camera and compression noise in grey levels at FOCUS_MPP, which is no detail.
NOISE = 0.25
#: Grey deviation below which there is nothing to be sharp.
FLAT = 2.0
#: Micrometres per pixel at which blocks are spread over the tissue.
MAP_MPP = 32.0


@dataclass(frozen=True)
class Focus:
    """Sharpness of blocks of tissue (float N), and the overview pixels of their centres (float N x 2: x, y)."""

    values: np.ndarray
    places: np.ndarray


def sharpness(window: np.ndarray) -> float:
    """Share of fine detail in an RGB uint8 window at about 1 micrometre per pixel; NaN if it is nearly flat.

    The detail of 1 to 2 µm over that of 4 to 8 µm, and that of 2 to 4 µm over that of 8 to 16 µm; the lesser of the
    two ratios. A ratio of neighbouring scales changes neither with stain nor with the share of glass, and both must
    hold: noise looks like the finest detail, a strong blur leaves none of the next.
    """
    return float(sharpness_of_blocks(window, 1, 1)[0, 0])


def sharpness_of_blocks(window: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """As `sharpness`, of each of rows x columns equal parts of a window (float rows x columns)."""
    grey = cv2.cvtColor(window, cv2.COLOR_RGB2GRAY).astype(np.float32)

    def pooled(values: np.ndarray) -> np.ndarray:
        return cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)

    energy: list[np.ndarray] = []
    level: np.ndarray = grey
    for _ in range(4):
        smooth = cv2.GaussianBlur(level, (5, 5), 0)
        energy.append(pooled((level - smooth) ** 2))
        level = smooth[::2, ::2]
    fine = np.maximum(energy[0] - NOISE, 0) / (energy[2] + NOISE)
    coarse = np.maximum(energy[1] - NOISE / 4, 0) / (energy[3] + NOISE)
    variance = pooled(grey**2) - pooled(grey) ** 2
    return np.where(variance > FLAT**2, np.sqrt(np.minimum(fine, coarse)), np.nan)


def measure_focus(slide, mpp: float, overview: Overview, tissue: np.ndarray, windows: int, threshold: float) -> Focus:
    """Sharpness of the blocks of up to `windows` windows over the tissue (boolean, as the overview).

    Where some of them fall under `threshold` and others don't, up to as many again are read around the blurred ones.
    `mpp`: the slide's, at level 0.
    """
    level = focus_level(slide, mpp)
    shares = tissue_of_windows(slide, level, overview, tissue)
    chosen = spread(shares, windows)
    blocks_of = {cell: read_blocks(slide, mpp, level, cell) for cell in chosen}
    blurred = {cell for cell, values in blocks_of.items() if np.nanmedian(np.append(values, np.inf)) < threshold}
    if blurred and len(blurred) < len(blocks_of):
        around: np.ndarray = np.zeros(shares.shape, np.uint8)
        around[tuple(np.array(sorted(blurred)).T)] = 1
        reach = 2 * round(np.sqrt((shares > 0).sum() / len(blocks_of))) + 1
        around = cv2.dilate(around, np.ones((reach, reach), np.uint8))
        around[tuple(np.array(chosen).T)] = 0
        blocks_of |= {cell: read_blocks(slide, mpp, level, cell) for cell in spread(shares * around, windows)}
    return as_focus(slide, level, overview, tissue, blocks_of)


def focus_level(slide, mpp: float) -> int:
    """The coarsest level that is not much coarser than FOCUS_MPP."""
    target = 1.5 * FOCUS_MPP / mpp
    return min(range(len(slide.levels)), key=lambda i: (slide.levels[i][2] > target, -slide.levels[i][2]))


def tile_edge(slide, level: int) -> int:
    """Edge of a window in pixels of a level: one tile, so that no more than one is decoded for it."""
    edge = int(slide.properties.get(f"openslide.level[{level}].tile-width", READ))
    return edge if READ / 2 <= edge <= 2 * READ else READ


def tissue_of_windows(slide, level: int, overview: Overview, tissue: np.ndarray) -> np.ndarray:
    """Share of tissue (float32 rows x columns) in the windows of a level; 0 where there is too little."""
    width, height, downsample = slide.levels[level]
    edge = tile_edge(slide, level)
    columns, rows = max(1, width // edge), max(1, height // edge)
    covered_x = min(tissue.shape[1], round(columns * edge * downsample / overview.scale[0]))
    covered_y = min(tissue.shape[0], round(rows * edge * downsample / overview.scale[1]))
    part = tissue[: max(1, covered_y), : max(1, covered_x)].astype(np.float32)
    shares = cv2.resize(part, (columns, rows), interpolation=cv2.INTER_AREA)
    threshold = 0.25 if (shares >= 0.25).any() else 0.0
    return np.where(shares > threshold, shares, 0)


def spread(shares: np.ndarray, count: int) -> list[tuple[int, int]]:
    """Up to `count` windows (row, column), one for each square of the slide: the one with the most tissue.

    In the order of rows, which is the order of tiles in a file.
    """
    rows, columns = np.nonzero(shares)
    step = 1
    while True:
        squares = (rows // step) * (shares.shape[1] + 1) + columns // step
        order = np.lexsort((-shares[rows, columns], squares))
        _, first = np.unique(squares[order], return_index=True)
        if len(first) <= count:
            chosen = order[first]
            return sorted(zip(rows[chosen].tolist(), columns[chosen].tolist(), strict=True))
        step += 1


def read_blocks(slide, mpp: float, level: int, cell: tuple[int, int]) -> np.ndarray:
    """Sharpness of the blocks of a window (float n x n)."""
    downsample, tile = slide.levels[level][2], tile_edge(slide, level)
    corner = [round(index * tile * downsample) for index in cell]
    window = slide.region(corner[1], corner[0], level, tile, tile)
    edge = max(16, round(tile * downsample * mpp / FOCUS_MPP))
    if edge != tile:
        interpolation = cv2.INTER_AREA if edge < tile else cv2.INTER_LINEAR
        window = cv2.resize(window, (edge, edge), interpolation=interpolation)
    blocks = max(1, round(edge * FOCUS_MPP / BLOCK))
    return sharpness_of_blocks(window, blocks, blocks)


def read_tiles(slide, centres: list[tuple[float, float]]) -> list[np.ndarray]:
    """The tile of level 0 around each of some level-0 pixels (x, y), without what lies beyond the slide: RGB uint8."""
    tile, (width, height, _) = tile_edge(slide, 0), slide.levels[0]
    corners = [(int(x // tile) * tile, int(y // tile) * tile) for x, y in centres]
    return [slide.region(x, y, 0, min(tile, width - x), min(tile, height - y)) for x, y in corners]


def as_focus(slide, level: int, overview: Overview, tissue: np.ndarray, blocks_of: dict) -> Focus:
    """The blocks on tissue that have something to be sharp."""
    values, places = [], []
    step = tile_edge(slide, level) * slide.levels[level][2]
    for (row, column), blocks in blocks_of.items():
        parts = len(blocks)
        centres = (np.arange(parts) + 0.5) / parts
        for i in range(parts):
            for j in range(parts):
                x, y = (column + centres[j]) * step / overview.scale[0], (row + centres[i]) * step / overview.scale[1]
                inside = tissue[min(int(y), tissue.shape[0] - 1), min(int(x), tissue.shape[1] - 1)]
                if np.isfinite(blocks[i, j]) and inside:
                    values.append(blocks[i, j])
                    places.append((x, y))
    return Focus(np.array(values, float), np.array(places, float).reshape(-1, 2))


def blurred_tissue(focus: Focus, overview: Overview, tissue: np.ndarray, threshold: float) -> np.ndarray:
    """Boolean mask (as the overview) of tissue whose nearest block is less sharp than `threshold`.

    Half a block is added all around, because a block with something sharp in it counts as sharp.
    """
    if not (focus.values < threshold).any():
        return np.zeros(tissue.shape, bool)
    factor = max(1, round(MAP_MPP / overview.mpp))
    shape = -(-tissue.shape[0] // factor), -(-tissue.shape[1] // factor)
    columns, rows = (focus.places / factor).astype(int).T
    field = np.ones(shape, np.uint8)
    field[rows, columns] = 0
    _, labels = cv2.distanceTransformWithLabels(field, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    bad = np.zeros(labels.max() + 1, np.uint8)
    bad[labels[rows, columns]] = focus.values < threshold
    spread_out = cv2.dilate(bad[labels], np.ones((3, 3), np.uint8), iterations=round(BLOCK / 2 / MAP_MPP))
    nearest = cv2.resize(spread_out, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    return nearest[: tissue.shape[0], : tissue.shape[1]].astype(bool) & tissue
