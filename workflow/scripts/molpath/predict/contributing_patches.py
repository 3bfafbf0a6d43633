"""The patches of a slide that add most to a prediction, and those that take most from it, side by side."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ..interpret.top_patches import Row, at, read_pixels, save, sheet, words
from .contribution_files import Contributions, read_contributions


def show_contributing_patches(
    *, contributions: str, slide_id: str, slide: str, count: int, note: str, picture: str
) -> None:
    """Write a PNG with a row per output: left the `count` patches that add most to it, right those that take most.

    slide: path of the slide file; only its pyramid is read, never a label or macro image. Below each patch: what it
    adds, and its level-0 position. A slide that was set aside, or whose patches have no place, has a picture that says
    so.
    """
    contributed = read_contributions(contributions, slide_id)
    if contributed is None or contributed.places is None:
        save(words(f"{slide_id} was set aside: no patches whose place is known"), picture)
        return
    sides = [rows_of(contributed, slide, count, sign) for sign in (1, -1)]
    titles = f"{slide_id}: patches that raise the {contributed.unit} most", "and that lower it most"
    raising, lowering = (sheet(*parts) for parts in zip(sides, titles, ("", note), strict=True))
    save(side_by_side(raising, lowering), picture)


def rows_of(contributions: Contributions, slide: str, count: int, sign: int) -> list[Row]:
    """A row per output of the patches that add most to it (sign 1) or take most from it (-1)."""
    assert contributions.places is not None
    rows = []
    for column in contributions.shown():
        chosen = highest(contributions.values[:, column] * sign, count)
        coords = contributions.places.coords[chosen]
        pixels = read_pixels(slide, coords, contributions.places.edge)
        added = (f"{value:+.3g}" for value in contributions.values[chosen, column])
        heading = contributions.columns[column] if len(chosen) else f"{contributions.columns[column]}: none does"
        rows.append(Row(heading, pixels, [*zip(added, at(coords), strict=True)]))
    return rows


def highest(values: np.ndarray, count: int) -> np.ndarray:
    """Positions of the highest values above 0, highest first, the first of equals; at most `count`."""
    order = np.argsort(-values, kind="stable")[:count]
    return order[values[order] > 0]


def side_by_side(first: Image.Image, second: Image.Image) -> Image.Image:
    """Two pictures side by side."""
    image = Image.new("RGB", (first.width + second.width, max(first.height, second.height)), "white")
    image.paste(first, (0, 0))
    image.paste(second, (first.width, 0))
    return image
