"""Columns that colour a map of embeddings: classes and numbers, each with one colour on the maps of all models."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .names import in_order, told_apart
from .pages import NAMES, NUMBER

#: Classes with a mark of their own; of more, the last mark stands for all others.
MOST = 12
#: Columns of tables/slides.tsv that name files.
NOT_SHOWN = ("identity", "contours", "quality", "thumbnail", "pixels", "bytes")
#: Whole numbers from which on a float doesn't hold every digit.
WHOLE = 1e15
#: Percentiles at which the scale of a column of numbers ends.
ENDS = (1, 99)


def is_shown(name: str) -> bool:
    """True for a column of tables/slides.tsv that says something of a slide."""
    return name not in NOT_SHOWN and not name.endswith("_fingerprint")


def describe(name: str, cells: Sequence[str], cohort: Sequence[str] = ()) -> dict[str, Any]:
    """A column as the page reads it, '' for what is missing.

    cohort: cells of the same column in the whole cohort, which decide what has which colour on the maps of all models;
    without any, the cells themselves. numbers: as they are, None for missing, with the ends of the scale. classes:
    words, of which the first `named` have a mark of their own, whether the map has them or not; the others are those
    that it has; and the place of each cell's word in them, -1 for missing.
    """
    unlisted = set(cells) - set(cohort)
    everyone = [*cohort, *(cell for cell in cells if cell in unlisted)] if cohort else cells
    filled = [cell for cell in everyone if cell]
    if name not in NAMES and len(set(filled)) > 2 and all(map(NUMBER.fullmatch, filled)):
        finite = as_floats(filled)[np.isfinite(as_floats(filled))]
        if len(np.unique(finite)) > 2:
            return {"name": name, "numbers": [rounded(value) for value in as_floats(cells)]} | scale_of(finite)
    # A value that the cohort lacks, however common on this map, takes no colour of the cohort's values.
    order, present = in_order(cohort or cells), set(cells)
    order += in_order(cell for cell in everyone if cell in unlisted) if cohort else []
    named = order[: MOST if len(order) <= MOST else MOST - 1]
    words = named + [word for word in order[len(named) :] if word in present]
    place = {word: k for k, word in enumerate(words)} | {"": -1}
    return {
        "name": name,
        "words": told_apart(words, words),
        "named": len(named),
        "codes": [place[cell] for cell in cells],
    }


def as_floats(cells: Iterable[str]) -> np.ndarray:
    """Numbers (float64) of cells, nan for ''."""
    return np.array([float(cell) if cell else np.nan for cell in cells])


def scale_of(finite: np.ndarray) -> dict[str, list[float]]:
    """Where the scale of colours ends, and the range of the numbers (float N, finite)."""
    whole_range = [short(finite.min()), short(finite.max())]
    ends = [short(value) for value in np.percentile(finite, ENDS)]
    return {"ends": whole_range if ends[0] == ends[1] else ends, "range": whole_range}


def rounded(value: float) -> float | None:
    """See `short`; None for what is missing or infinite."""
    return short(value) if np.isfinite(value) else None


def short(value: float) -> float:
    """Six significant digits; a whole number keeps all of its digits."""
    return float(value if float(value).is_integer() and abs(value) < WHOLE else f"{value:.6g}")
