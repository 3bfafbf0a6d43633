"""The cohort's table of slides: what was measured, what was set aside and why, what occurs twice."""

from __future__ import annotations

from collections.abc import Sequence

from ..common.files import read_tsv
from ..common.ledger import Gathering
from ..common.manifests import check_same_slides, read_manifests
from ..common.reasons import OK
from ..common.verdict import write_judged

FROM_SLIDES = ("reader", "vendor", "width", "height", "mpp", "mpp_source", "magnification", "identity", "note")


def collect_slides(
    *, sheet: str, inspected: Sequence[str], assessed: Sequence[str], table: str, max_failed_fraction: float
) -> None:
    """Write tables/slides.tsv from the manifests of the stages slides and tissue.

    Raises TooManySetAside, after the table is written beside its place as `<table>.refused`, if more than
    `max_failed_fraction` of the slides (not counting those that the sheet excludes or has no file of) are set aside.
    """
    import pandas as pd

    slide_rows, tissue_rows = read_manifests(inspected), read_manifests(assessed)
    check_same_slides(tissue_rows, in_words(assessed), slide_rows, in_words(inspected))
    slides, tissue = pd.DataFrame(slide_rows), pd.DataFrame(tissue_rows)
    head = read_tsv(sheet).set_index("slide_id")
    result = slides[["slide_id"]].copy()
    result["case_id"] = head.loc[result.slide_id, "case_id"].to_numpy()
    result["cohort"] = head.loc[result.slide_id, "cohort"].to_numpy() if "cohort" in head else ""
    result["status"], result["reason"], result["detail"] = tissue.status, tissue.reason, tissue.detail
    result["stage"] = [
        "" if status == OK else ("slides" if first != OK else "tissue")
        for status, first in zip(tissue.status, slides.status, strict=True)
    ]
    for column in FROM_SLIDES:
        result[column] = slides[column]
    for column in tissue.columns[4:]:
        result[column] = tissue[column]
    result["duplicate_of"] = duplicates(result)
    rows = result.to_dict("records")
    gathering = Gathering(rows)
    gathering.add_table(rows)
    write_judged(table, result, [entry for entry in gathering.entries if entry.stage == "tissue"], max_failed_fraction)


def in_words(manifests: Sequence[str]) -> str:
    """The first of some manifests, and how many follow it."""
    return f"{manifests[0]}" + (f" and {len(manifests) - 1} more" if len(manifests) > 1 else "")


def duplicates(table) -> list[str]:
    """For each accepted slide the first accepted one with the same identity or pixels, '' for the first itself.

    `identity` is that of the file, `pixels` that of the overview: a copy under another name or with another header.
    """
    first: dict[tuple[str, str], str] = {}
    originals = []
    for row in table.itertuples():
        marks = [("file", row.identity), ("pixels", getattr(row, "pixels", ""))]
        marks = [mark for mark in marks if mark[1]] if row.status == OK else []
        original = next((first[mark] for mark in marks if mark in first), "")
        originals.append(original)
        for mark in marks:
            first.setdefault(mark, original or row.slide_id)
    return originals
