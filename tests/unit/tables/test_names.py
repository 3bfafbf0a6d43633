"""Names that look alike are shown so that no two of a list are the same, on every page with columns or classes."""

import json
import re

import pandas as pd
import pytest
from made_up_gallery import made_up
from molpath.common.files import read_tsv, write_tsv
from molpath.tables.embedding_map_columns import describe
from molpath.tables.gallery import write_gallery
from molpath.tables.names import headings, told_apart
from molpath.tables.pages import show_table

HARD = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a_b", "c"], ["a b", "c"]),
        (["a_b", "a b", "c_d"], ['"a_b"', f'"a{HARD}b"', "c d"]),
        (["Grade", "grade"], ['"Grade"', '"grade"']),
        (["a b", "a  b"], [f'"a{HARD}b"', f'"a{HARD}{HARD}b"']),
        (["ab", "a\u200bb", "a\u00adb"], ['"ab"', '"a\\u200bb"', '"a\\u00adb"']),
        (["a b", "a\u00a0b"], [f'"a{HARD}b"', '"a\\u00a0b"']),
        (["e\u0301", "\u00e9"], ['"e\\u0301"', '"\u00e9"']),
        (["A", "\uff21"], ['"A"', '"\\uff21"']),
        (["a-b", "a.b"], ["a-b", "a.b"]),
        (["_", ""], ['"_"', '""']),
    ],
)
def test_names_that_look_alike_are_shown_exactly(names, expected):
    assert headings(names) == expected
    assert len(set(headings(names))) == len(names)


def test_classes_keep_their_underscores():
    assert told_apart(["a_b", "a b"], ["a_b", "a b"]) == ["a_b", "a b"]
    column = describe("organ", ["Lung", "lung", "lung", "a_b"])
    assert column["words"] == ['"lung"', '"Lung"', "a_b"]
    assert column["codes"] == [1, 0, 0, 2]


def test_headings_of_a_table(tmp_path):
    write_tsv(tmp_path / "t.tsv", pd.DataFrame([["1", "2", "3"]], columns=["a_b", "a b", "c_d"]))
    files = {"table": str(tmp_path / "t.tsv"), "page": str(tmp_path / "t.html")}
    show_table(name="t.tsv", title="T", sentences="", note="", **files)
    (head,) = re.findall(r"<thead><tr>(.*?)</tr>", (tmp_path / "t.html").read_text(), re.S)
    heads = re.findall(r"<th[^>]*>(.*?)</th>", head)
    assert heads == ["&#34;a_b&#34;", f"&#34;a{HARD}b&#34;", "c d"]


def test_the_gallery_sorts_by_either_of_two_columns_that_look_alike(tmp_path):
    made_up(tmp_path, 3, "x")
    slides = read_tsv(tmp_path / "tables/slides.tsv")
    write_tsv(tmp_path / "tables/slides.tsv", slides.assign(**{"a_b": ["1", "2", "3"], "a b": ["6", "5", "4"]}))
    write_gallery(
        **{"table": str(tmp_path / "tables/slides.tsv"), "ledgers": [], "predictions": [], "inspected": []},
        **{"grids": [], "maps": [], "paths": {}, "note": "synthetic", "output": str(tmp_path / "gallery.html")},
        **{"script": str(tmp_path / "s.groovy"), "listed": str(tmp_path / "s.json")},
    )
    page = (tmp_path / "gallery.html").read_text()
    places = dict(re.findall(r'<option value="(\d+)">(.*?)</option>', page))
    scores = json.loads(re.search(r'id="data">(.*?)</script>', page)[1])["scores"]
    values = {name: [row[int(place)] for row in scores] for place, name in places.items()}
    assert values["&quot;a_b&quot;"] == [1, 2, 3]
    assert values[f"&quot;a{HARD}b&quot;"] == [6, 5, 4]
    assert "&quot;a_b&quot; 1, &quot;a\N{NO-BREAK SPACE}b&quot; 6" in page
