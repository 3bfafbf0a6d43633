"""Columns of cases that could explain a score: of the sheets, and what inspection and quality control saw of slides."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from ...common.files import read_tsv
from ...common.reasons import OK
from .columns import AS_GROUPS, NOMINAL, as_number, word_of

#: Columns of tables/slides.tsv that say how slides were scanned, stained and cut, and not what is in them.
TECHNICAL = (
    *("vendor", "mpp", "jpeg_quality", "focus", "fine_detail", "stain_density", "he_angle", "hue", "brightness"),
    "area_mm2",
)
#: Separates the values of a case whose slides differ.
JOIN = "+"


def case_table(
    *, sheet: str, case_sheet: str, inspected: str, columns: Sequence[str], slides: Collection[str] = ()
) -> pd.DataFrame:
    """One row per case (index: case_id, sorted), strings: the asked columns, then the technical ones that are known.

    sheet, case_sheet, inspected: slide sheet, sheet of cases ('': none), tables/slides.tsv ('': no slide was opened).
    slides: those that count (none: all). Values of a case's rows that differ are joined, numbers averaged (`of_cases`).
    Of a column that both sheets have, the value of the sheet of cases is taken where there is one. Raises ValueError
    for a column that neither has.
    """
    rows = of_slides(read_tsv(sheet), slides)
    values_of = {name: of_cases(rows, name) for name in columns if name in rows}
    if case_sheet:
        cases = read_tsv(case_sheet)
        for name in [name for name in columns if name in cases]:
            case_values = of_cases(cases, name)
            values_of[name] = (
                case_values.where(case_values != "").combine_first(values_of[name])
                if name in values_of
                else case_values
            )
    if lacking := [name for name in columns if name not in values_of]:
        source = f"{sheet} or {case_sheet}" if case_sheet else sheet
        raise ValueError(f"no column {', '.join(lacking)} in {source}; correct probe/confounders of the config")
    values_of = {name: values_of[name] for name in columns}
    if inspected:
        inspected_slides = of_slides(read_tsv(inspected), slides)
        values_of |= technical(
            inspected_slides[inspected_slides.status == OK], [name for name in TECHNICAL if name not in columns]
        )
    table = pd.DataFrame(values_of).fillna("")
    return table.reindex(sorted({*rows.case_id} | {*table.index})).fillna("")


def of_slides(rows: pd.DataFrame, slides: Collection[str]) -> pd.DataFrame:
    """Rows of the slides that count; all where none is named, or where a sheet of cases has no slides."""
    return rows[rows.slide_id.isin(list(slides))] if slides and "slide_id" in rows else rows


def of_cases(rows: pd.DataFrame, name: str) -> pd.Series:
    """A column of slides by case: values that differ are joined, but means of what is a number in every row.

    Of few values (AS_GROUPS), as of grades, and of names (NOMINAL) numbers are joined, too.
    """
    words = {word for word in map(word_of, rows[name]) if word}
    numbers = {word: as_number(word) for word in words}
    are_groups = name.lower() in NOMINAL or len(set(numbers.values())) <= AS_GROUPS
    if are_groups or not all(np.isfinite(number) for number in numbers.values()):
        return rows.groupby("case_id")[name].agg(joined)
    means = rows[name].map(lambda cell: numbers.get(word_of(cell), np.nan)).groupby(rows.case_id).mean()
    return means.map(lambda value: f"{value:.12g}" if value == value else "")


def joined(values: pd.Series) -> str:
    """The values of a case's slides, each once, without missing ones."""
    return JOIN.join(sorted({value for value in values if word_of(value)}))


def technical(inspected_slides: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series]:
    """Technical columns by case, without those that say nothing of any slide: means of numbers, joined words."""
    values_of = {}
    for name in [name for name in names if name in inspected_slides and (inspected_slides[name] != "").any()]:
        numbers = pd.to_numeric(inspected_slides[name], errors="coerce")
        if name == "vendor":
            values_of[name] = inspected_slides.groupby("case_id")[name].agg(joined)
        elif numbers.notna().any():
            means = numbers.groupby(inspected_slides.case_id).mean()
            values_of[name] = means.map(lambda value: f"{value:.6g}" if value == value else "")
    return values_of
