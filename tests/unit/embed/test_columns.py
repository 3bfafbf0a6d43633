"""Columns of the slide sheet in the table of cases: those of the slides that were embedded."""

import pandas as pd
from molpath.embed.embedding import sheet_columns, used_of

SHEET = pd.DataFrame(
    [
        ("a1", "a", "A", "X", "lung", ""),
        ("a2", "a", "B", "Y", "brain", "no"),
        ("b1", "b", "A", "X", "lung", ""),
        ("b2", "b", "A", "", "skin", ""),
        ("c1", "c", "A", "Z", "", ""),
    ],
    columns=["slide_id", "case_id", "cohort", "site", "organ", "keep"],
)


def columns(ids, slides):
    return sheet_columns(SHEET, "case_id", used_of(SHEET, ids, slides))


def test_slides_that_were_not_embedded_and_empty_cells_do_not_disagree():
    table = columns(["a", "b", "c"], ["a1", "b1;b2", "c1"])
    assert table.loc["a"].tolist() == ["a", "A", "X", "lung"]
    assert table.loc["b"].tolist() == ["b", "A", "X", ""]
    assert table.loc["c"].tolist() == ["c", "A", "Z", ""]


def test_slides_that_were_embedded_together_disagree():
    assert columns(["a"], ["a1;a2"]).loc["a"].tolist() == ["a", "", "", ""]


def test_a_vector_of_a_case_represents_its_kept_slides():
    assert columns(["a"], [""]).loc["a"].tolist() == ["a", "A", "X", "lung"]
