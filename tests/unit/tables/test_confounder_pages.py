"""Pages of confounders on names and scores that nobody planned for."""

import base64
import gzip
import re

import numpy as np
import pandas as pd
from molpath.common.files import read_tsv, write_tsv
from molpath.probe.confounders.battery import CONFOUNDERS, GAPS, STRATA, SUBGROUPS
from molpath.tables.confounders import compare_confounders, show_confounders

COLUMNS = ("task", "<script>alert(1)</script>", "=cmd()", "123456789012", "a|b")


def rows_of(page):
    """The rows that a page has packed."""
    packed = re.findall(r'id="table-\d+-rows">([^<]*)<', page.read_text())
    return "".join(gzip.decompress(base64.b64decode(text)).decode() for text in packed)


def write_tables(folder, columns=COLUMNS, mean=np.nan):
    """Tables of a task as its job writes them, and its scores: one of folds of whole sites that isn't defined."""
    facts = {
        **dict.fromkeys(CONFOUNDERS, ""),
        "task": "t",
        "verdict": "explained",
        "reason": "why",
        "score_name": "AUC",
    }
    parts = {
        "confounders": pd.DataFrame([facts | {"column": name} for name in columns], columns=CONFOUNDERS),
        "strata": pd.DataFrame([dict.fromkeys(STRATA, "") | {"stratum": "123456789012"}], columns=STRATA),
        "subgroups": pd.DataFrame(columns=SUBGROUPS),
        "gaps": pd.DataFrame(columns=GAPS),
        "left_out": pd.DataFrame(columns=["task", "case_id", "reason"]),
    }
    for name, part in parts.items():
        write_tsv(folder / f"{name}.tsv", part.assign(model="m"))
    scores = [("logistic", 0.8, 0.7), ("keep_sites", mean, np.nan), ("site_only", np.nan, np.nan)]
    summary = [(name, "auc", 1, value, lower, lower + 0.2) for name, value, lower in scores]
    names = ["protocol", "metric", "primary", "mean", "lower", "upper"]
    write_tsv(folder / "summary.tsv", pd.DataFrame(summary, columns=names))
    return {name: str(folder / f"{name}.tsv") for name in parts}


def test_a_score_that_is_not_defined_stops_no_page(tmp_path):
    tables, page = write_tables(tmp_path), tmp_path / "page.html"
    show_confounders(task="t", tables=tables, metrics=str(tmp_path / "summary.tsv"), note="", page=str(page))
    assert "whole sites kept apart: auc is not defined; on the task's folds" in page.read_text()
    cells = rows_of(page)
    assert "<td>123456789012</td>" in cells
    assert "<script>" not in cells
    write_tables(tmp_path, mean=0.6)
    show_confounders(task="t", tables=tables, metrics=str(tmp_path / "summary.tsv"), note="", page=str(page))
    assert "whole sites kept apart: auc 0.600;" in page.read_text()


def test_columns_of_any_name_are_put_in_one_table(tmp_path):
    tables, page, table = write_tables(tmp_path), tmp_path / "all.html", tmp_path / "all.tsv"
    args = {"metrics": [str(tmp_path / "summary.tsv")], "note": "", "table": str(table), "page": str(page)}
    compare_confounders(tables=[tables["confounders"]], **args)
    assert "<th>task (column)</th>" in page.read_text()
    assert rows_of(page).count(">explained</td>") == len(COLUMNS)
    assert len(read_tsv(table)) == len(COLUMNS)
    compare_confounders(tables=[write_tables(tmp_path, ())["confounders"]], **args)
    assert "No rows" in page.read_text()
