"""Pages of tables: escaped, the same bytes each time, numbers as numbers, long tables cut with a word about it."""

import html
import re

import numpy as np
import pandas as pd
from molpath.common.files import write_tsv
from molpath.tables import pages
from packed_pages import unpacked


def shown(tmp_path, table, **changes):
    write_tsv(tmp_path / "t.tsv", table)
    texts = {"name": "tables/t.tsv", "title": "A table", "sentences": "Says <what> it is.", "note": "<b>synthetic"}
    pages.show_table(table=str(tmp_path / "t.tsv"), page=str(tmp_path / "t.html"), **(texts | changes))
    return unpacked((tmp_path / "t.html").read_text())


def test_names_of_files_in_sentences_are_set_as_code(tmp_path):
    page = shown(tmp_path, pd.DataFrame({"a": ["1"]}), sentences="Others stand in `tables/<b>.tsv`.")
    assert "Others stand in <code>tables/&lt;b&gt;.tsv</code>. The same" in page


def test_every_word_is_escaped_and_bytes_stay_the_same(tmp_path):
    table = pd.DataFrame({"<u>": ["<script>alert(1)</script>", "a & b"], "n": ["1", "2.5"]})
    page = shown(tmp_path, table)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "&lt;u&gt;" in page
    assert "<title>A table (&lt;b&gt;synthetic)</title>" in page
    assert "Says &lt;what&gt; it is." in page
    assert "<code>tables/t.tsv</code>" in page
    assert page == shown(tmp_path, table)


def test_headings_and_titles_are_escaped(tmp_path):
    path = tmp_path / "p.html"
    pages.write_page(str(path), "<i>title", "", [pages.Section("<script>alert(1)</script>", "said")])
    page = path.read_text()
    assert "<h2>&lt;script&gt;alert(1)&lt;/script&gt;</h2>" in page
    assert "<h1>&lt;i&gt;title</h1>" in page


def test_marked_cells_are_coloured_whatever_their_text(tmp_path):
    table = pd.DataFrame({"verdict": ['"<b>held"', "held", "not held"]})
    marks = {'"<b>held"': "#fee", "held": "#efe"}
    pages.write_page(str(tmp_path / "p.html"), "t", "", [pages.Section(table=table, marks=marks)])
    page = html.unescape(unpacked((tmp_path / "p.html").read_text()))
    assert '<td style="background:#fee">"<b>held"</td>' in page
    assert '<td style="background:#efe">held</td>' in page
    assert "<td>not held</td>" in page


def test_words_of_templates_are_shown_and_not_computed(tmp_path):
    page = shown(tmp_path, pd.DataFrame({"{{6*7}}": ["{{6*7}}"]}), title="{{6*7}}", sentences="{{6*7}}")
    assert page.count("{{6*7}}") == 5
    assert "42" not in re.sub(r"(?s)<style>.*?</style>|<script.*?</script>", "", page)


def test_long_words_stay_whole_and_long_tables_are_cut_with_a_word_about_it(tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "MOST_ROWS", 3)
    page = shown(tmp_path, pd.DataFrame({"word": ["x" * 300, "b", "c", "row four"]}))
    assert "x" * 300 in page
    assert "row four" not in page
    assert "The first 3 of 4 rows." in page


def test_columns_of_numbers_are_numbers_and_names_stay_names():
    table = pd.DataFrame({"case_id": ["007", "8"], "x": ["1.25", ""], "y": ["1", "no result"], "none": ["", ""]})
    table["fingerprint"] = ["7e45361234567890", "12"]
    numbers = pages.as_numbers(table)
    assert numbers.fingerprint.tolist() == ["7e45361234567890", "12"]
    assert numbers.case_id.tolist() == ["007", "8"]
    assert numbers.x.iloc[0] == 1.25
    assert pd.isna(numbers.x.iloc[1])
    assert numbers.y.tolist() == ["1", "no result"]
    assert numbers.none.tolist() == ["", ""]


def test_numbers_have_four_digits_and_whole_ones_none_behind_the_point(tmp_path):
    page = shown(tmp_path, pd.DataFrame({"p": ["0.123456", "1e-09", "3", "nan"]}))
    for cell in ("0.1235", "1e-09", "3"):
        assert f"<td>{cell}</td>" in page


def test_a_page_fits_into_a_data_url(tmp_path):
    """Chromium shows none beyond 2 MiB, and base64 makes four letters of three bytes."""
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(pages.MOST_ROWS, 8)).astype(str))
    table = numbers.assign(gene=[f"GENE{number}" for number in range(len(numbers))])
    shown(tmp_path, table.rename(columns=str))
    assert (tmp_path / "t.html").stat().st_size * 4 / 3 < 2 * 1024**2


def test_a_table_without_rows_says_so(tmp_path):
    assert "No rows." in shown(tmp_path, pd.DataFrame({"a": []}))


def test_names_of_digits_keep_their_zeros_and_all_their_digits():
    table = pd.DataFrame({"shard": ["00000", "00012"], "barcode": ["12345678901234567", "7"], "n": ["0", "-0.5e3"]})
    numbers = pages.as_numbers(table)
    assert numbers[["shard", "barcode"]].equals(table[["shard", "barcode"]])
    assert numbers.n.tolist() == [0.0, -500.0]
