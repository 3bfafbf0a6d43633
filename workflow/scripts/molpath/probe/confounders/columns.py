"""Columns of the cases as groups: words as they are, numbers in bins of quantiles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Words that mean a missing value, in small letters and without square brackets.
MISSING = (
    *("", "-", "--", "'--", ".", "?", "nan", "na", "<na>", "n/a", "#n/a", "null", "unknown"),
    *("not reported", "not available", "not applicable", "not evaluated"),
)
#: A number as people write it; 007 is a code, and one such value makes all of a column codes.
NUMBER = re.compile(r"[-+]?((0|[1-9]\d*)(\.\d*)?|\.\d+)(e[-+]?\d+)?|[-+]?inf(inity)?", re.IGNORECASE)
#: Columns whose values name something, even where every name is a number.
NOMINAL = ("site", "hospital", "centre", "center", "scanner", "batch")
#: Numbers with more values than this are binned; fewer are groups as they are (grade 1 to 4, 0 and 1).
AS_GROUPS = 6
#: Bins of equal counts that numbers are cut into.
BINS = 4
#: Cases a group has to have, at least, to be a stratum with a score of its own.
ENOUGH = 10
#: Why a column can't be a confounder.
CONSTANT, EMPTY, ALL_DIFFERENT = "one value only", "no case has a value", "as many values as cases"
FEW = f"fewer than two groups of {ENOUGH} cases"


@dataclass(frozen=True)
class Column:
    """A column of N cases. groups: object N, '' where missing; names: groups in order; numbers: float N (nan where
    missing, or a column of words); note: how numbers were binned, what was taken as missing; unusable: why it can't be
    judged."""

    name: str
    groups: np.ndarray
    names: list[str]
    numbers: np.ndarray
    note: str = ""
    unusable: str = ""

    @property
    def codes(self) -> np.ndarray:
        """Position of each case's group in `names` (int N), -1 where missing."""
        places = {name: place for place, name in enumerate(self.names)}
        return np.array([places.get(group, -1) for group in self.groups], int)

    @property
    def has_value(self) -> np.ndarray:
        """Whether each case has a value (bool N)."""
        return np.asarray(self.codes >= 0)

    def one_hot(self) -> np.ndarray:
        """A column of 0 and 1 (float N x G) for each group; cases without a value have none."""
        return (self.codes[:, None] == np.arange(len(self.names))).astype(float)

    def keep(self, rows: np.ndarray) -> Column:
        """The column of the cases at `rows` (bool N), in the same bins."""
        groups = self.groups[rows]
        names = [name for name in self.names if (groups == name).any()]
        return Column(self.name, groups, names, self.numbers[rows], self.note, why_unusable(groups))


def read_columns(table: pd.DataFrame, cases: Sequence[str], names: Sequence[str]) -> list[Column]:
    """Columns `names` of a table with one row per case (index: case_id), in the order of `cases`.

    A case that the table lacks has no value. Raises ValueError for a column that is missing, or a case with two rows.
    """
    if lacking := [name for name in names if name not in table]:
        raise ValueError(
            f"no column {', '.join(lacking)} among {', '.join(map(str, table))}; correct probe/confounders"
        )
    if not table.index.is_unique:
        case = table.index[table.index.duplicated()][0]
        raise ValueError(f"case {case} has several rows; give one row per case")
    rows = table.reindex(list(cases))
    return [column_of(name, rows[name]) for name in names]


def column_of(name: str, values: pd.Series) -> Column:
    """Groups of a column's values (N), whatever their type."""
    cells = np.array([word_of(value) for value in values], object)
    is_given = cells != ""
    numbers = np.array([as_number(word) for word in cells])
    notes = []
    if is_given.any() and name.lower() not in NOMINAL and not np.isnan(numbers[is_given]).any():
        infinite = np.isinf(numbers)
        if infinite.any():
            notes.append(f"{infinite.sum()} infinite values taken as missing")
        numbers[infinite] = np.nan
        cells[infinite] = ""
        is_finite = np.isfinite(numbers)
        if len(np.unique(numbers[is_finite])) > AS_GROUPS:
            cells, ordered, bins_note = binned(numbers)
            notes.append(bins_note)
        else:
            cells[is_finite] = [spelt(value) for value in numbers[is_finite]]
            ordered = [spelt(value) for value in np.unique(numbers[is_finite])]
    else:
        numbers = np.full(len(cells), np.nan)
        ordered = sorted(set(cells[is_given]))
    return Column(name, cells, ordered, numbers, "; ".join(notes), why_unusable(cells))


def word_of(value: object) -> str:
    """A cell as a word without outer blanks, one spelling of each accent (Unicode's NFC); '' where missing."""
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    word = unicodedata.normalize("NFC", str(value)).strip()
    return "" if word.lower().strip("[]") in MISSING else word


def as_number(word: str) -> float:
    """The number that a word is, nan for others."""
    return float(word) if NUMBER.fullmatch(word) else float("nan")


def spelt(value: float) -> str:
    """A number with every digit it has."""
    return f"{value:.0f}" if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def edge(value: float) -> str:
    """A bin's end in four digits, or all before the point."""
    return f"{value:.0f}" if 1e4 <= abs(value) < 1e15 else f"{value:.4g}"


def binned(numbers: np.ndarray) -> tuple[np.ndarray, list[str], str]:
    """Bins of equal counts (object N, '' for nan), their names in order, and a sentence that says how they were cut.

    Equal values share a bin, so ties make bins uneven; empty bins are dropped.
    """
    is_finite = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[is_finite], np.arange(1, BINS) / BINS))
    places = np.searchsorted(edges, numbers, side="left")
    names = [
        f"up to {edge(edges[0])}",
        *(f"{edge(low)} to {edge(high)}" for low, high in zip(edges, edges[1:], strict=False)),
    ]
    names = [f"{place + 1}: {name}" for place, name in enumerate([*names, f"over {edge(edges[-1])}"])]
    groups = np.array(
        [names[place] if has_value else "" for place, has_value in zip(places, is_finite, strict=True)], object
    )
    used_names = [name for name in names if (groups == name).any()]
    note = f"{len(used_names)} bins of quantiles"
    return groups, used_names, note + f", {BINS - len(used_names)} fewer because of ties" * (len(used_names) < BINS)


def why_unusable(groups: np.ndarray) -> str:
    """Why groups (object N, '' for missing) can't be a confounder; '' where they can."""
    names, counts = np.unique(groups[groups != ""].astype(str), return_counts=True)
    if not len(names):
        return EMPTY
    if len(names) == 1:
        return CONSTANT
    if counts.max() == 1:
        return ALL_DIFFERENT
    return "" if (counts >= ENOUGH).sum() > 1 else FEW
