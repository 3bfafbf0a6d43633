"""The patches of a slide that each head attends to most, as one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..common.files import atomic_path, open_h5
from ..features.geometry import Geometry
from ..features.salvage import read_what_can_be_read
from ..slides.readers import open_slide

#: Pixels of a patch in the picture, between patches, and of a line of words.
EDGE, GAP, LINE = 192, 6, 22


def show_top_patches(*, attention: str, slide_id: str, slide: str, count: int, note: str, picture: str) -> None:
    """Write a PNG with one row per head: its `count` patches of highest attention, the highest on the left.

    slide: path of the slide file; only its pyramid is read, never a label or macro image. Below each patch: its share
    of the head's attention as a multiple of an even share, and its level-0 position. A slide that was set aside has a
    picture that says so.
    """
    with open_h5(attention) as handle:
        if slide_id not in handle:
            save(words(f"{slide_id} has no patches with coordinates, or was set aside"), picture)
            return
        shares, coords = handle[slide_id]["attention"][:], handle[slide_id]["coords"][:]
        edge = int(handle[slide_id]["coords"].attrs["patch_size_level0"])
    chosen = top_of(shares, count)
    pixels = read_pixels(slide, coords[chosen.ravel()], edge).reshape(*chosen.shape, EDGE, EDGE, 3)
    rows = []
    for head, positions in enumerate(chosen):
        times = (f"{share:.4g} x an even share" for share in shares[head, positions] * shares.shape[1])
        rows.append(Row(f"head {head + 1}", pixels[head], [*zip(times, at(coords[positions]), strict=True)]))
    save(sheet(rows, f"{slide_id}: patches of highest attention", note), picture)


def top_of(shares: np.ndarray, count: int) -> np.ndarray:
    """Positions (int heads x count, or fewer patches) of the highest attention, highest first, the first of equals."""
    return np.argsort(-shares, axis=1, kind="stable")[:, :count]


def read_pixels(slide: str, coords: np.ndarray, edge: int) -> np.ndarray:
    """Pixels (uint8 N x EDGE x EDGE x 3) of patches of a slide file; coords: N x 2, level-0 pixels, as `edge` is."""
    pixels = np.empty((len(coords), EDGE, EDGE, 3), np.uint8)
    opened = open_slide(slide)
    try:
        read_what_can_be_read(opened, coords, Geometry(EDGE, edge), pixels)
    finally:
        opened.close()
    return pixels


def at(coords: np.ndarray) -> list[str]:
    """The position of each patch as text."""
    return [f"at {x}, {y}" for x, y in coords.tolist()]


@dataclass(frozen=True)
class Row:
    """Patches beside each other (uint8 count x EDGE x EDGE x 3), words above them, and two lines below each."""

    heading: str
    pixels: np.ndarray
    lines: Sequence[tuple[str, str]]


def sheet(rows: Sequence[Row], title: str, note: str) -> Image.Image:
    """Rows of patches with words above and below."""
    count = max(len(row.pixels) for row in rows)
    width, height = max(count * (EDGE + GAP) + GAP, 420), EDGE + 3 * LINE
    image = Image.new("RGB", (width, LINE + GAP + len(rows) * height + LINE), "white")
    draw, font, small = ImageDraw.Draw(image), ImageFont.load_default(15), ImageFont.load_default(12)
    draw.text((GAP, GAP), title, fill="black", font=font)
    for line, row in enumerate(rows):
        top = LINE + GAP + line * height
        draw.text((GAP, top + 3), row.heading, fill="black", font=font)
        for position, (first, second) in enumerate(row.lines):
            x, y = GAP + position * (EDGE + GAP), top + LINE
            image.paste(Image.fromarray(row.pixels[position]), (x, y))
            draw.text((x, y + EDGE + 2), first, fill="black", font=small)
            draw.text((x, y + EDGE + 16), second, fill="#555555", font=small)
    draw.text((width - GAP, image.height - GAP), note, fill="#8a1c1c", font=font, anchor="rs")
    return image


def words(text: str) -> Image.Image:
    """A picture with one sentence."""
    image = Image.new("RGB", (640, 80), "white")
    ImageDraw.Draw(image).text((GAP, 30), text, fill="black", font=ImageFont.load_default(15))
    return image


def save(image: Image.Image, path: str) -> None:
    """Write a picture as PNG atomically."""
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")
