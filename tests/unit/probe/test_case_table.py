"""Columns of cases: of both sheets, of what slides were seen to be; a case's slides together, and no other's."""

import pandas as pd
import pytest
from molpath.common.files import write_tsv
from molpath.probe.confounders.case_table import case_table


@pytest.fixture
def sheets(tmp_path):
    slides = {
        "slide_id": ["S1", "S2", "S3", "S4"],
        "case_id": ["B", "A", "A", "C"],
        "site": ["x", "y", "z", ""],
        "sex": ["?", "", "", ""],
    }
    write_tsv(tmp_path / "slides.tsv", pd.DataFrame(slides))
    write_tsv(tmp_path / "cases.tsv", pd.DataFrame({"case_id": ["A", "D", "B"], "sex": ["f", "m", ""]}))
    seen = pd.DataFrame(slides)[["slide_id", "case_id"]].assign(
        status=["ok", "ok", "ok", "set_aside"],
        vendor=["aperio", "leica", "aperio", "philips"],
        mpp=["0.5", "0.25", "0.75", "9"],
        jpeg_quality=["", "", "", "70"],
        focus=["1.5", "", "2.5", ""],
    )
    write_tsv(tmp_path / "seen.tsv", seen)
    return {"sheet": str(tmp_path / "slides.tsv"), "case_sheet": str(tmp_path / "cases.tsv")} | {
        "inspected": str(tmp_path / "seen.tsv")
    }


def test_each_case_has_its_own_values(sheets):
    table = case_table(**sheets, columns=["site", "sex"])
    assert list(table) == ["site", "sex", "vendor", "mpp", "focus"]
    assert table.loc["A"].to_dict() == {
        "site": "y+z",
        "sex": "f",
        "vendor": "aperio+leica",
        "mpp": "0.5",
        "focus": "2.5",
    }
    assert table.loc["B"].to_dict() == {"site": "x", "sex": "", "vendor": "aperio", "mpp": "0.5", "focus": "1.5"}
    # The only slide of C was set aside, and D has none: nothing measured is theirs.
    assert table.loc["C"].to_dict() == dict.fromkeys(table, "")
    assert table.loc["D", "sex"] == "m"


def test_slides_that_a_task_does_not_list_do_not_count(sheets):
    table = case_table(**sheets, columns=["site"], slides={"S1", "S2"})
    assert table.loc["A", ["site", "vendor", "mpp"]].tolist() == ["y", "leica", "0.25"]
    assert "C" not in table.index


def test_a_column_that_no_sheet_has_is_named(sheets):
    with pytest.raises(ValueError, match=r"no column grade in .*slides.tsv or .*cases.tsv"):
        case_table(**sheets, columns=["site", "grade"])


def test_without_slides_there_is_nothing_technical(sheets):
    sheets["inspected"] = ""
    assert list(case_table(**sheets, columns=["site"])) == ["site"]
