"""Columns of cases that could explain a score: of the sheets, and what inspection and quality control saw of slides."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from ...common.files import read_tsv
from ...common.reasons import OK

#: Columns of tables/slides.tsv that say how slides were scanned, stained and cut, and not what is in them.
TECHNICAL = ("vendor", "mpp", "jpeg_quality", "focus", "stain_density", "he_angle", "hue", "brightness", "area_mm2")
#: What stands between the values of a case whose slides differ.
JOIN = "+"


def case_table(
    *, sheet: str, case_sheet: str, inspected: str, columns: Sequence[str], slides: Collection[str] = ()
) -> pd.DataFrame:
    """One row per case (index: case_id, sorted), strings: the asked columns, then the technical ones that are known.

    sheet, case_sheet, inspected: slide sheet, sheet of cases ('': none), tables/slides.tsv ('': no slide was opened).
    slides: those that count (none: all). Values of a case's slides that differ are joined; numbers of technical columns
    are averaged. A column that both sheets have is that of cases. Raises ValueError for a column that neither has.
    """
    rows = of_slides(read_tsv(sheet), slides)
    found = {name: rows.groupby("case_id")[name].agg(joined) for name in columns if name in rows}
    if case_sheet:
        cases = read_tsv(case_sheet).set_index("case_id")
        found |= {name: cases[name] for name in columns if name in cases}
    if lacking := [name for name in columns if name not in found]:
        where = f"{sheet} or {case_sheet}" if case_sheet else sheet
        raise ValueError(f"no column {', '.join(lacking)} in {where}; correct probe/confounders of the config")
    found = {name: found[name] for name in columns}
    if inspected:
        seen = of_slides(read_tsv(inspected), slides)
        found |= technical(seen[seen.status == OK], [name for name in TECHNICAL if name not in columns])
    table = pd.DataFrame(found).fillna("")
    return table.reindex(sorted({*rows.case_id} | {*table.index})).fillna("")


def of_slides(rows: pd.DataFrame, slides: Collection[str]) -> pd.DataFrame:
    """Rows of the slides that count; all where none is named, or where a sheet of cases has no slides."""
    return rows[rows.slide_id.isin(list(slides))] if slides and "slide_id" in rows else rows


def joined(values: pd.Series) -> str:
    """The values of a case's slides, each once, without empty ones."""
    return JOIN.join(sorted({*values} - {""}))


def technical(seen: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.Series]:
    """Technical columns by case, without those that say nothing of any slide: means of numbers, joined words."""
    found = {}
    for name in [name for name in names if name in seen and (seen[name] != "").any()]:
        numbers = pd.to_numeric(seen[name], errors="coerce")
        if name == "vendor":
            found[name] = seen.groupby("case_id")[name].agg(joined)
        elif numbers.notna().any():
            means = numbers.groupby(seen.case_id).mean()
            found[name] = means.map(lambda value: f"{value:.6g}" if value == value else "")
    return found
