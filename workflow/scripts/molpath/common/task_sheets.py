"""The slide sheet of a study without slides: the cases and slides that its tasks name."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .tsv import BadTable, read_cells


def sheet_of_tasks(tables: Sequence[str]) -> list[dict[str, str]]:
    """A row (slide_id, case_id, path '', keep '') for each slide in k=all.tsv of the tasks, in their order.

    A case of which no task lists a slide becomes a slide of the same name. Tables that are missing, or can't be
    read, have no rows. Raises BadTable if a slide belongs to two cases.
    """
    case_of: dict[str, str] = {}
    case_ids: dict[str, None] = {}
    for table in tables:
        for slide, case, line in _members(table):
            if slide and case_of.setdefault(slide, case) != case:
                problem = f"slide {slide} is of case {case} here, and of {case_of[slide]} before"
                raise BadTable(f"{table}, row {line}, column slide_id", problem, "correct one of them")
            case_ids.setdefault(case)
    cases_with_slides = set(case_of.values())
    slideless = {case: case for case in case_ids if case not in cases_with_slides}
    for case in slideless:
        if case in case_of:
            raise BadTable(
                f"{tables[0]}, column case_id",
                f"{case} is a case without slides, and the name of a slide of {case_of[case]}",
                "give one of them another name",
            )
    return [
        {"slide_id": slide, "case_id": case, "path": "", "keep": ""} for slide, case in (case_of | slideless).items()
    ]


def _members(table: str) -> list[tuple[str, str, int]]:
    """Slide ('' where there is none), case and line of each row."""
    try:
        cells = read_cells(table) if os.path.isfile(table) else None
    except BadTable:  # the checks of tasks say so
        cells = None
    if cells is None or "case_id" not in cells.columns:
        return []
    case = cells.columns.index("case_id")
    slide = cells.columns.index("slide_id") if "slide_id" in cells.columns else -1
    rows = zip(cells.rows, cells.lines, strict=True)
    return [(row[slide] if slide >= 0 else "", row[case], line) for row, line in rows if row[case]]
