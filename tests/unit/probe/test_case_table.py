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
    inspected = pd.DataFrame(slides)[["slide_id", "case_id"]].assign(
        status=["ok", "ok", "ok", "set_aside"],
        vendor=["aperio", "leica", "aperio", "philips"],
        mpp=["0.5", "0.25", "0.75", "9"],
        jpeg_quality=["", "", "", "70"],
        focus=["1.5", "", "2.5", ""],
        fine_detail=["0.31", "0.2", "0.25", "0.1"],
    )
    write_tsv(tmp_path / "seen.tsv", inspected)
    return {"sheet": str(tmp_path / "slides.tsv"), "case_sheet": str(tmp_path / "cases.tsv")} | {
        "inspected": str(tmp_path / "seen.tsv")
    }


def test_each_case_has_its_own_values(sheets):
    table = case_table(**sheets, columns=["site", "sex"])
    assert list(table) == ["site", "sex", "vendor", "mpp", "focus", "fine_detail"]
    assert table.loc["A"].to_dict() == {
        "site": "y+z",
        "sex": "f",
        "vendor": "aperio+leica",
        "mpp": "0.5",
        "focus": "2.5",
        "fine_detail": "0.225",
    }
    own = {"site": "x", "sex": "", "vendor": "aperio", "mpp": "0.5", "focus": "1.5", "fine_detail": "0.31"}
    assert table.loc["B"].to_dict() == own
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


def test_unknown_values_join_nothing_and_numbers_are_averaged(tmp_path):
    rows = [{"slide_id": f"s{k}", "case_id": f"c{k // 2}", "age": str(60 + k), "grade": str(k % 3)} for k in range(12)]
    sites = ["unknown", "7", "NA", "", "7", "8"] + ["9"] * 6
    write_tsv(tmp_path / "sheet.tsv", pd.DataFrame(rows).assign(site=sites))
    columns = ["age", "grade", "site"]
    table = case_table(sheet=str(tmp_path / "sheet.tsv"), case_sheet="", inspected="", columns=columns)
    assert list(table.age) == ["60.5", "62.5", "64.5", "66.5", "68.5", "70.5"]
    assert list(table.grade[:2]) == ["0+1", "0+2"]
    assert list(table.site[:3]) == ["7", "", "7+8"]


def test_a_case_without_a_value_in_its_own_sheet_has_that_of_its_slides(tmp_path):
    write_tsv(tmp_path / "sheet.tsv", pd.DataFrame({"slide_id": ["s", "t"], "case_id": ["c", "d"], "sex": ["f", "f"]}))
    write_tsv(tmp_path / "cases.tsv", pd.DataFrame({"case_id": ["c", "d", "e", "d"], "sex": ["-", "m", "", "f"]}))
    sheets = {"sheet": str(tmp_path / "sheet.tsv"), "case_sheet": str(tmp_path / "cases.tsv")}
    assert list(case_table(**sheets, inspected="", columns=["sex"]).sex) == ["f", "f+m", ""]
