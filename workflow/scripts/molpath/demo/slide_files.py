"""Synthetic slides as files: pyramidal JPEG-tiled SVS and TIFF that OpenSlide opens, and five with something wrong."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..common.files import atomic_path
from ..common.joblog import die_with_parent
from ..common.progress import Progress
from .histology import draw_section
from .truth import draw_truth, generator

#: Level 0 at 20x in pixels (width, height).
SIZE = (1792, 2304)
#: Micrometres per pixel by objective, as a common scanner writes them.
MPP = {20: 0.5025, 40: 0.2513}
SPECIAL = ("no_mpp", "truncated", "blank", "blurred", "pen")


def make_slides(
    slides: Sequence[Mapping[str, str]],
    seed: int,
    threads: int = 1,
    size: tuple[int, int] = SIZE,
    log_path: str | None = None,
) -> None:
    """Draw and write every slide: dicts with slide_id, case_id, path, objective (20, 40), special ('' or SPECIAL)."""
    progress = Progress(log_path, "drawing synthetic slides", len(slides))
    work = partial(make_slide, seed=seed, size=size)
    if threads == 1:
        for slide in slides:
            work(slide)
            progress.step()
        return
    with ProcessPoolExecutor(threads, initializer=_start_worker) as pool:
        for _ in pool.map(work, slides):
            progress.step()


def _start_worker() -> None:
    die_with_parent()
    cv2.setNumThreads(1)


def make_slide(slide: Mapping[str, str], seed: int, size: tuple[int, int] = SIZE) -> None:
    """Draw and write one slide; the same row, seed and size give the same bytes."""
    rng = generator(seed, slide["case_id"], f"slide {slide['slide_id']}")
    picture: np.ndarray
    special, objective = slide["special"], int(slide["objective"])
    if special == "blank":
        picture = np.full((size[1], size[0], 3), 244, np.uint8)
        picture += rng.integers(0, 3, picture.shape, dtype=np.uint8)
    else:
        picture = draw_section(rng, draw_truth(seed, slide["case_id"]), *size)
    if special == "blurred":
        picture = cv2.GaussianBlur(picture, (0, 0), 9)
    if special == "pen":
        picture = draw_pen(rng, picture)
    if objective == 40:
        picture = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    path = Path(slide["path"])
    with atomic_path(path) as temporary:
        write_pyramid(temporary, picture, objective, aperio=path.suffix == ".svs", with_mpp=special != "no_mpp")
        if special == "truncated":
            os.truncate(temporary, os.path.getsize(temporary) * 3 // 5)


def draw_pen(rng: np.random.Generator, picture: np.ndarray) -> np.ndarray:
    """A stroke of blue marker across the section."""
    height, width = picture.shape[:2]
    xs = np.linspace(0.2 * width, 0.8 * width, 24)
    ys = height * (0.5 + 0.12 * np.sin(np.linspace(0, 4, 24)) + 0.01 * rng.normal(size=24))
    ink = picture.copy()
    cv2.polylines(ink, [np.stack([xs, ys], 1).astype(np.int32)], False, (25, 60, 170), 150, cv2.LINE_AA)
    return cv2.addWeighted(ink, 0.9, picture, 0.1, 0)


def write_pyramid(path: Path, picture: np.ndarray, objective: int, aperio: bool, with_mpp: bool) -> None:
    """Write levels 1, 4 and 16 as JPEG tiles of 256 px: Aperio's layout for an SVS, resolution tags for a TIFF."""
    import tifffile

    height, width = picture.shape[:2]
    mpp = MPP[objective]
    facts = f"|AppMag = {objective}|MPP = {mpp}" if with_mpp else ""
    description = (
        f"Aperio Image Library v12.0.15 (synthetic)\r\n{width}x{height} [0,0 {width}x{height}] (256x256) "
        f"JPEG/RGB Q=80|Title = synthetic demo slide{facts}"
    )
    options: dict[str, Any] = {
        "tile": (256, 256),
        "photometric": "rgb",
        "compression": "jpeg",
        "compressionargs": {"level": 80},
        "software": False,
        "metadata": None,
    }
    if not aperio:
        description = "synthetic demo slide"
        if with_mpp:
            options |= {"resolution": (1e4 / mpp, 1e4 / mpp), "resolutionunit": "CENTIMETER"}
    with tifffile.TiffWriter(path, byteorder="<") as writer:
        writer.write(picture, description=description, **options)
        for factor in (4, 16):
            small = cv2.resize(picture, (width // factor, height // factor), interpolation=cv2.INTER_AREA)
            if "resolution" in options:
                options["resolution"] = (1e4 / mpp / factor, 1e4 / mpp / factor)
            writer.write(small, description=description, subfiletype=1, **options)
