"""What of a slide is compared with the training slides, and how a difference is said to a pathologist."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: The hue opposite to that of hematoxylin and eosin, where the circle is cut (degrees).
OPPOSITE = 110.0
#: Column of the scanner's vendor.
VENDOR = "vendor"


def plain(values: np.ndarray) -> np.ndarray:
    """As it is."""
    return values


def doubled(values: np.ndarray) -> np.ndarray:
    """How many times doubled; of nothing and less nothing is known."""
    return np.log2(np.where(values > 0, values, np.nan))


def on_circle(values: np.ndarray) -> np.ndarray:
    """Degrees of hue on a line that is cut opposite to hematoxylin and eosin."""
    return (values - OPPOSITE) % 360


@dataclass(frozen=True)
class Column:
    """A number of a slide in the manifests of stages slides and tissue.

    more, less: what a larger or smaller number than the training slides' is called ('' where it is no fault); number:
    how one is written, and shown: with what it is; grain: difference that means nothing, on the scale that `scale`
    makes.
    """

    name: str
    more: str
    less: str
    number: str
    shown: str
    grain: float
    scale: Callable[[np.ndarray], np.ndarray] = plain


COLUMNS = (
    Column("mpp", "resolution unlike", "resolution unlike", "{:.2f}", "{} µm/px", 0.15, doubled),
    Column("focus", "sharper than", "out of focus: less sharp than", "{:.2f}", "focus {}", 0.03),
    Column(
        "fine_detail", "more fine detail than", "out of focus: less fine detail than", "{:.2f}", "fine detail {}", 0.01
    ),
    Column("in_focus_fraction", "", "out of focus: less than", "{:.0%}", "{} of the tissue in focus", 0.02),
    Column("out_of_focus_fraction", "out of focus: more than", "", "{:.0%}", "{} of the tissue blurred", 0.02),
    Column("fold_fraction", "more folds than", "", "{:.0%}", "{} of the tissue", 0.02),
    Column(
        "edge_or_bubble_fraction", "more edges of cover slips or bubbles than", "", "{:.0%}", "{} of the tissue", 0.02
    ),
    Column("dark_fraction", "more dark spots than", "", "{:.0%}", "{} of the tissue", 0.02),
    Column("pen_fraction", "more pen than", "", "{:.0%}", "{} of the tissue", 0.02),
    Column("grey_fraction", "more grey than", "", "{:.0%}", "{} of the tissue", 0.02),
    Column("stain_density", "stained darker than", "stained paler than", "{:.2f}", "optical density {}", 0.01),
    Column("he_angle", "stain unlike", "", "{:.0f}°", "{} from hematoxylin and eosin", 1.0),
    Column("hue", "stain unlike", "stain unlike", "{:.0f}°", "hue {}", 2.0, on_circle),
    Column("brightness", "background brighter than", "background darker than", "{:.0f}", "{} of 255", 2.0),
    Column("jpeg_quality", "", "more compressed than", "{:.0f}", "JPEG quality {}", 2.0),
    Column("area_mm2", "more tissue than", "less tissue than", "{:.3g}", "{} mm²", 0.3, doubled),
    Column("lost_fraction", "more damage in the file than", "", "{:.0%}", "{} of the tissue lost", 0.02),
)
BY_NAME = {column.name: column for column in COLUMNS}
#: Items of the table of a reference, in its order: both sides of each column that has two.
SIDES = tuple(
    (column, side) for column in COLUMNS for side, word in (("more", column.more), ("less", column.less)) if word
)
QUALITY = tuple(f"{column.name}:{side}" for column, side in SIDES)
EMBEDDING = ("embedding:near", "embedding:far", "embedding:inside")
PATCHES = ("patches:share", "patches:distance", "patches:wide", "patches:narrow")
ITEMS = (*EMBEDDING, *PATCHES, *QUALITY)
#: Items that make one part of the score.
GROUPS = {"embedding": EMBEDDING, "patches": PATCHES, "slides": QUALITY}
GRAINS = dict(zip(QUALITY, (column.grain for column, _ in SIDES), strict=True)) | {"patches:share": 1 / 64}


def quality_of(slides: pd.DataFrame) -> pd.DataFrame:
    """Items of QUALITY (float, NaN: unknown) of each slide, the larger the further out, by rows of the manifests."""
    values_of = {}
    for item, (column, side) in zip(QUALITY, SIDES, strict=True):
        cells = slides[column.name] if column.name in slides else pd.Series(np.nan, slides.index)
        values = column.scale(pd.to_numeric(cells, errors="coerce").to_numpy(float))
        values_of[item] = np.where(np.isfinite(values), values if side == "more" else -values, np.nan)
    return pd.DataFrame(values_of, index=slides.index)


def sentence(item: str, value: float, typical: tuple[float, float]) -> str:
    """What an item of a case says; typical: where most training cases lie, on the same scale."""
    if item == "patches:share":
        return f"{value:.0%} of patches unlike any training patch (training cases: up to {typical[1]:.0%})"
    if item == "patches:distance":
        return f"patches unlike those of the training slides as a whole ({_times(value, typical[1])})"
    if item in ("patches:wide", "patches:narrow"):
        how = "further apart" if item == "patches:wide" else "more alike"
        return f"patches {how} than those of a training slide ({_times(abs(value), abs(typical[1]))})"
    if item == "embedding:inside":
        return f"embedding nearer to the middle than the training cases' ({_times(abs(value), abs(typical[1]))})"
    if item in EMBEDDING:
        whose = "all training cases" if item == "embedding:near" else "the training cases' distribution"
        return f"embedding far from {whose} ({_times(value, typical[1])})"
    name, side = item.split(":")
    column = BY_NAME[name]
    words = column.more if side == "more" else column.less
    shown = column.shown.format(column.number.format(_back(column, value, side)))
    low, high = (column.number.format(_back(column, end, side)) for end in sorted(typical, reverse=side == "less"))
    return f"{words} the training slides' ({shown}; training {low if low == high else f'{low} to {high}'})"


def vendor_sentence(vendors: list[str], training_vendors: dict[str, int]) -> str:
    """Vendors of a case's scanners that no training slide came from."""
    return f"scanner vendor {', '.join(vendors)}, training slides {', '.join(sorted(training_vendors))}"


def _back(column: Column, value: float, side: str) -> float:
    """A value as the manifest has it, of the scale on which it was compared."""
    value = value if side == "more" else -value
    if column.scale is doubled:
        return float(2**value)
    return float((value + OPPOSITE) % 360) if column.scale is on_circle else value


def _times(value: float, usual: float) -> str:
    return f"{value / usual:.1f} times the distance that 95 % of them keep" if usual > 0 else "they have no distance"
