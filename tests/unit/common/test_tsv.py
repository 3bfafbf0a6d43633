"""One dialect for sheets, tasks and manifests: every cell is its row's and its column's, or the file is refused."""

import gzip
import re

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.common.files import read_tsv, write_tsv
from molpath.common.tsv import BadTable, read_cells
from molpath.study.sheets import read_sheet

ROWS = [("S0", "C0", "ok"), ("S1", "C1", '"'), ("S2", "C2", ""), ("S3", "C3", '5" core'), ("S4", "C4", '"')]


def write(path, rows=ROWS, header=("slide_id", "case_id", "comment"), end="\n", encoding="utf-8"):
    text = end.join("\t".join(row) for row in (header, *rows)) + end
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_lone_quotation_mark_is_a_cell_like_any_other(tmp_path, end, encoding):
    path = write(tmp_path / "s.tsv", end=end, encoding=encoding)
    table = read_tsv(path)
    assert [tuple(row) for row in table.itertuples(index=False)] == ROWS
    assert [tuple(row[name] for name in table) for row in read_sheet(str(path))] == ROWS


def test_what_is_written_is_what_is_read(tmp_path):
    """Manifests carry cells of the user's sheets."""
    table = pd.DataFrame(ROWS, columns=["slide_id", "case_id", "comment"])
    write_tsv(tmp_path / "m.tsv", table)
    assert read_tsv(tmp_path / "m.tsv").to_dict("list") == table.to_dict("list")
    assert (tmp_path / "m.tsv").read_text().splitlines()[2] == 'S1\tC1\t"'


FORMULAS = {
    "=1+1": "'=1+1",
    '=HYPERLINK("http://a.example")': '\'=HYPERLINK("http://a.example")',
    "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0",
    "-2+SUM(A1)": "'-2+SUM(A1)",
    "@SUM(A1)": "'@SUM(A1)",
    "'=1+A1": "''=1+A1",
    "''@x": "'''@x",
    "-mutated": "'-mutated",
    "-2+3": "'-2+3",
    "-1 (2+3)": "'-1 (2+3)",
}
PLAIN = (
    "-1.5",
    "+3",
    "-1e-05",
    "-inf",
    "-0.12 (-0.2 to 0.1)",
    "+0.020",
    "-5 %",
    "-",
    "'",
    "'a'",
    "a=b",
    "1-2",
    "D001-DX1",
)


@pytest.mark.parametrize("cell", FORMULAS)
def test_what_a_spreadsheet_would_compute_is_written_with_an_apostrophe(tmp_path, cell):
    write_tsv(tmp_path / "t.tsv", pd.DataFrame({"a": [cell], cell: ["x"]}))
    assert (tmp_path / "t.tsv").read_text() == f"a\t{FORMULAS[cell]}\n{FORMULAS[cell]}\tx\n"
    assert read_tsv(tmp_path / "t.tsv").to_dict("list") == {"a": [cell], cell: ["x"]}


@pytest.mark.parametrize("cell", PLAIN)
def test_numbers_intervals_and_other_cells_are_written_as_they_are(tmp_path, cell):
    write_tsv(tmp_path / "t.tsv", pd.DataFrame({"a": [cell]}))
    assert (tmp_path / "t.tsv").read_text() == f"a\n{cell}\n"
    assert read_tsv(tmp_path / "t.tsv").a.tolist() == [cell]


@settings(deadline=None)
@given(cells=st.lists(st.text("'=+-@.1 eSt|\"x") | st.text(st.characters(exclude_characters="\t\n\r", codec="utf-8"))))
def test_any_cell_is_read_as_it_was_before_it_was_written(tmp_path_factory, cells):
    path = tmp_path_factory.getbasetemp() / "round.tsv"
    cells = [cell.replace("\x00", "") for cell in cells]  # a file with one is taken for UTF-16
    ids = [f"S{i}" for i in range(len(cells))]
    write_tsv(path, pd.DataFrame({"id": ids, "cell": pd.Series(cells, dtype=object)}))
    assert read_tsv(path).cell.tolist() == cells
    for line in path.read_bytes().decode().split("\n")[1:-1]:
        written = line.split("\t")[1]
        assert len(written) < 2 or written[0] not in "=@+-" or re.match(r"[-+](\d|\.\d|inf|nan)", written, re.I)


def test_a_tab_or_line_end_in_a_cell_is_written_as_a_space(tmp_path):
    write_tsv(tmp_path / "m.tsv", pd.DataFrame({"a\tb": ["x\ty", "1\r\n2"], "n": [1, 2]}))
    assert read_tsv(tmp_path / "m.tsv").to_dict("list") == {"a b": ["x y", "1 2"], "n": ["1", "2"]}


def test_values_of_a_mixed_column_are_written_as_they_are(tmp_path):
    """Whole numbers next to a missing one stay whole."""
    mixed = pd.DataFrame({"a": pd.Series([1, None, 2.5, True, "x\ty"], dtype=object), "b": [0.1, 1e-7, 3, 4, 1 / 3]})
    write_tsv(tmp_path / "m.tsv", mixed)
    assert (tmp_path / "m.tsv").read_text() == "a\tb\n1\t0.1\n\t1e-07\n2.5\t3\nTrue\t4\nx y\t0.3333333333\n"
    assert mixed.a[4] == "x\ty"


def test_lines_are_those_of_the_file(tmp_path):
    path = tmp_path / "s.tsv"
    path.write_text("# one\n# two\nslide_id\tcase_id\nS0\tC0\n\nS1\tC1\n#S2\tC2\n")
    assert read_cells(path).lines == [4, 6, 7]
    assert [(row["slide_id"], row["#"]) for row in read_sheet(str(path))] == [("S0", 4), ("S1", 6), ("#S2", 7)]
    assert read_tsv(path).slide_id.tolist() == ["S0", "S1", "#S2"]


def test_columns_without_name_and_cells_are_left_out(tmp_path):
    path = write(tmp_path / "s.tsv", [("S0", "", "C0", ""), ("S1", "", "C1", "")], ("slide_id", "", "case_id", ""))
    assert read_tsv(path).to_dict("list") == {"slide_id": ["S0", "S1"], "case_id": ["C0", "C1"]}


def test_a_table_may_have_no_rows(tmp_path):
    path = write(tmp_path / "s.tsv", [])
    assert read_tsv(path).empty
    assert list(read_tsv(path)) == ["slide_id", "case_id", "comment"]


REFUSED = {
    "column twice": (b"slide_id\tcohort\tsite\tcohort\nS0\tX\ts\tY\n", "header: column cohort is there twice"),
    "column three times": (b"a\ta\ta\n1\t2\t3\n", "header: column a is there 3 times"),
    "tab at the end of rows": (b"a\tb\nx\ty\t\nz\tw\t\n", "row 2: 3 cells, and the header has 2: .*take off a tab"),
    "row names of R": (b"a\tb\n1\tx\ty\n2\tz\tw\n", "row 2: 3 cells, and the header has 2: .* row names that R puts"),
    "missing tab": (b"a\tb\tc\nx\ty\tz\nx\ty\n", "row 3: 2 cells, and the header has 3: .*an empty cell needs its tab"),
    "many more cells": (b"a\tb\nx\ty\tz\tw\n", "row 2: 4 cells, and the header has 2: one cell per column"),
    "cell without a name": (b"a\t\tb\nx\t\ty\nx\tq\ty\n", "row 3: 'q' in column 2, which has no name: name the column"),
    "UTF-16": ("a\tb\nx\ty\n".encode("utf-16"), "UTF-16.*iconv -f UTF-16 -t UTF-8"),
    "UTF-16 without a mark": ("a\tb\nx\ty\n".encode("utf-16-le"), "UTF-16.*iconv -f UTF-16 -t UTF-8"),
    "Latin-1": (
        "a\tb\nx\tö\n".encode("latin-1"),
        "row 2: byte 0xf6 is no UTF-8 .in Windows-1252 it is 'ö'.: save .*iconv",
    ),
    "Mac Roman": ("a\tb\n\nx\té\n".encode("mac-roman"), "row 3: byte 0x8e is no UTF-8.*iconv"),
    "xlsx": (b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", "an Excel workbook .xlsx.*save the sheet as tab"),
    "xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "an Excel workbook of the old kind.*save the sheet as"),
    "zip": (b"PK\x03\x04" + b"\0" * 26 + b"slides.tsv", "a ZIP archive.*unpack it"),
    "gzip": (gzip.compress(b"a\tb\n"), "this is gzip.*gunzip"),
    "web page": (b"<!DOCTYPE html><html><body>Sign in</body></html>\n", "a page of a website.*download the file"),
    "LFS pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS.*git lfs pull"),
    "commas": (b"slide_id,case_id,path\nS0,C0,a.svs\n", "has no tab, but commas: write"),
    "semicolons": (b"slide_id;case_id;path\nS0;C0;a.svs\n", "has no tab, but semicolons: write"),
    "spaces": (b"slide_id case_id path\nS0 C0 a.svs\n", "has no tab, but spaces: write"),
    "quotes of R": (b'"slide_id"\t"case_id"\n"S0"\t"C0"\n', "header: names in quotes .*quote=FALSE"),
    "empty": (b"", "empty: the first line should name"),
    "comments only": (b"# a\n# b\n", "no line but comments: the first line should name"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_one_sentence_says_what_the_file_is_and_what_to_do(tmp_path, kind):
    data, words = REFUSED[kind]
    path = tmp_path / "sheet.tsv"
    path.write_bytes(data)
    with pytest.raises(BadTable, match=words) as caught:
        read_tsv(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(BadTable, match=words):
        read_cells(path)
    assert read_sheet(str(path)) == []  # planning names it in its checks


CELL = st.text(st.characters(exclude_characters="\t\r\n", exclude_categories=["Cs"]), max_size=5)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=6), end=st.sampled_from(["\n", "\r\n"]), data=st.data())
def test_any_cells_are_read_unchanged_or_refused(tmp_path_factory, rows, end, data):
    path = write(tmp_path_factory.mktemp("any") / "s.tsv", rows, ("a", "b", "c"), end)
    try:
        table = read_tsv(path)
    except BadTable:
        assert any("\0" in cell for row in rows for cell in row)
        return
    assert [tuple(row) for row in table.itertuples(index=False)] == rows
    assert [tuple(row[name] for name in "abc") for row in read_sheet(str(path))] == rows
