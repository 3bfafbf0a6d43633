"""The patches of a slide that each head attends to most, as one picture."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ..common.files import atomic_path, open_h5
from ..features.geometry import Geometry
from ..features.salvage import read_what_can_be_read
from ..slides.readers import open_slide

#: Pixels of a patch in the picture, between patches, and of a line of words.
EDGE, GAP, LINE = 192, 6, 22


def show_top_patches(*, attention: str, slide_id: str, slide: str, count: int, note: str, picture: str) -> None:
    """Write a PNG with a row a head: its `count` patches of highest attention, the first one left.

    slide: path of the slide file; only its pyramid is read, never a label or macro image. Below each patch: its share
    of the head's attention as a multiple of an even share, and its level-0 position. A slide that was set aside has a
    picture that says so.
    """
    with open_h5(attention) as handle:
        if slide_id not in handle:
            save(words(f"{slide_id} was set aside: no patches"), picture)
            return
        shares, coords = handle[slide_id]["attention"][:], handle[slide_id]["coords"][:]
        edge = int(handle[slide_id]["coords"].attrs["patch_size_level0"])
    chosen = top_of(shares, count)
    opened = open_slide(slide)
    try:
        pixels = np.empty((chosen.size, EDGE, EDGE, 3), np.uint8)
        read_what_can_be_read(opened, coords[chosen.ravel()], Geometry(EDGE, edge), pixels)
    finally:
        opened.close()
    save(sheet(pixels.reshape(*chosen.shape, EDGE, EDGE, 3), shares, coords, chosen, slide_id, note), picture)


def top_of(shares: np.ndarray, count: int) -> np.ndarray:
    """Positions (int heads x count, or fewer patches) of the highest attention, highest first, the first of equals."""
    return np.argsort(-shares, axis=1, kind="stable")[:, :count]


def sheet(pixels, shares, coords, chosen, title: str, note: str) -> Image.Image:
    """Rows of patches with words above and below. pixels: uint8 heads x count x EDGE x EDGE x 3."""
    heads, count = chosen.shape
    width, row = max(count * (EDGE + GAP) + GAP, 420), EDGE + 3 * LINE
    image = Image.new("RGB", (width, LINE + GAP + heads * row + LINE), "white")
    draw, font, small = ImageDraw.Draw(image), ImageFont.load_default(15), ImageFont.load_default(12)
    draw.text((GAP, GAP), f"{title}: patches of highest attention", fill="black", font=font)
    for head in range(heads):
        top = LINE + GAP + head * row
        draw.text((GAP, top + 3), f"head {head + 1}", fill="black", font=font)
        for place, index in enumerate(chosen[head]):
            x, y = GAP + place * (EDGE + GAP), top + LINE
            image.paste(Image.fromarray(pixels[head, place]), (x, y))
            times = shares[head, index] * shares.shape[1]
            draw.text((x, y + EDGE + 2), f"{times:.4g} x an even share", fill="black", font=small)
            at = ", ".join(map(str, coords[index].tolist()))
            draw.text((x, y + EDGE + 16), f"at {at}", fill="#555555", font=small)
    draw.text((width - GAP, image.height - GAP), note, fill="#8a1c1c", font=font, anchor="rs")
    return image


def words(text: str) -> Image.Image:
    """A picture of a sentence."""
    image = Image.new("RGB", (640, 80), "white")
    ImageDraw.Draw(image).text((GAP, 30), text, fill="black", font=ImageFont.load_default(15))
    return image


def save(image: Image.Image, path: str) -> None:
    """Write a picture as PNG, whole or not at all."""
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")
