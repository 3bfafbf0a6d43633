"""The picture of a slide that shows what was found where: contours of tissue, hatched faults, and a legend below."""

from __future__ import annotations

import cv2
import numpy as np

from .classes import CLASSES
from .overview import Overview
from .quality import FAULTS

#: Okabe and Ito's colours, distinguishable also for colour-blind readers (red, green, blue); tissue is outlined, the
#: rest hatched.
PALETTE = {
    "tissue": (0, 158, 115),
    "fold": (240, 228, 66),
    "dark": (0, 0, 0),
    "pen": (0, 114, 178),
    "edge_or_bubble": (86, 180, 233),
    "out_of_focus": (213, 94, 0),
}
#: Pixels between lines of a hatching, and height of a line of the legend.
HATCH, LINE = 12, 18


def draw(overview: Overview, polygons: list[list[np.ndarray]], classes: np.ndarray) -> np.ndarray:
    """RGB uint8 picture: the overview with everything found on it, the legend in rows below.

    `polygons` as of polygons.find_polygons (level-0 pixels); `classes`: codes of the overview's pixels.
    """
    picture = overview.image.copy()
    for rings in polygons:
        drawn = [np.round(ring / np.asarray(overview.scale) - 0.5).astype(np.int32) for ring in rings]
        cv2.polylines(picture, drawn, True, PALETTE["tissue"], 2, cv2.LINE_AA)
    for name in FAULTS:
        hatch(picture, classes == CLASSES[name], PALETTE[name])
    shown = ["tissue"] if polygons else []
    shown += [name for name in FAULTS if (classes == CLASSES[name]).any()]
    return np.vstack([picture, legend(shown, picture.shape[1])])


def hatch(picture: np.ndarray, mask: np.ndarray, colour: tuple[int, int, int]) -> None:
    """Outline the mask in the picture and draw slanting lines over it."""
    ys, xs = np.nonzero(mask)
    on_line = (xs + ys) % HATCH < 2
    picture[ys[on_line], xs[on_line]] = colour
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, colour, 2)


def legend(names: list[str], width: int) -> np.ndarray:
    """White rows (RGB uint8, `width` wide) with a swatch and the name of each class, as many per row as fit."""
    labels = [name.replace("_", " ") for name in names]
    sizes = [cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, 0.4, 1)[0][0] + 26 for word in labels]
    places, x, row = [], 4, 0
    for size in sizes:
        if x > 4 and x + size > width:
            x, row = 4, row + 1
        places.append((x, row))
        x += size
    strip = np.full(((row + 1) * LINE if names else 0, width, 3), 255, np.uint8)
    for name, word, (x, row) in zip(names, labels, places, strict=True):
        y = row * LINE
        cv2.rectangle(strip, (x, y + 4), (x + 9, y + 13), PALETTE[name], -1)
        cv2.putText(strip, word, (x + 14, y + 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return strip
