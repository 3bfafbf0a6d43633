"""What the columns of a pair are of slides and of cases, who is left out and why, and what can't be measured."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe import robustness_job
from molpath.probe.robustness import robustness
from molpath.probe.robustness_job import Sheets, measure
from schema_defaults import defaults_of
from sklearn.metrics import adjusted_rand_score

SETTINGS = defaults_of("probe")


def sheets(**columns):
    """Three cases of two slides each, with a column of slides, one of cases, and a task of slides."""
    slides = pd.DataFrame(
        {"slide_id": list("abcdef"), "case_id": list("PPQQRR"), "scanner": ["x", "x", "x", "y", "", "y"]}
    )
    cases = pd.DataFrame({"site": ["N", "", "S"]}, pd.Index(list("PQR"), name="case_id"))
    task = pd.Series(["lum", "her", "lum"], pd.Index(list("abf"), name="slide_id"), object)
    by_case = pd.Series(["wt", "mut"], pd.Index(list("PR"), name="case_id"), object)
    return Sheets(slides.assign(**columns), cases, {"s--subtype": task, "s--TP53": by_case})


def test_values_of_slides_and_cases():
    def values(name, unit):
        return [
            "differ" if value == "\0" else value
            for value in sheets().values(name, unit, list("abcdef" if unit == "slides" else "PQR"))
        ]

    assert values("scanner", "slides") == ["x", "x", "x", "y", "", "y"]
    assert values("scanner", "cases") == ["x", "differ", "y"]
    assert values("site", "slides") == ["N", "N", "", "", "S", "S"]
    assert values("site", "cases") == ["N", "", "S"]
    assert values("s--subtype", "slides") == ["lum", "her", "", "", "", "lum"]
    assert values("s--subtype", "cases") == ["differ", "", "lum"]
    assert values("s--TP53", "slides") == ["wt", "wt", "", "", "mut", "mut"]
    with pytest.raises(ValueError, match="no task or column stain; correct probe/robustness"):
        values("stain", "cases")


def cases_with(n, **columns):
    """One slide per case, n of them."""
    names = [f"K{k:04d}" for k in range(n)]
    slides = pd.DataFrame({"slide_id": names, "case_id": names}).assign(**columns)
    return names, Sheets(slides, pd.DataFrame(), {})


def pair(biological, technical):
    return {"biological": biological, "technical": technical}


def test_who_is_left_out_is_counted_by_reason():
    n = 100
    x = np.random.default_rng(0).normal(size=(n, 4)).astype(np.float32)
    x[0], x[1, 2] = 0, np.nan
    label, site = np.array(["a", "b"])[np.arange(n) % 2], np.array(["N", "S"])[np.arange(n) // 2 % 2]
    label[2], site[3:5], site[9] = "", "", "unknown"
    names, case_sheets = cases_with(n, label=label.astype(object), site=site.astype(object))
    case_sheets.slides.loc[9, "site"] = "n/a"
    row, _ = measure(x, names, case_sheets, "cases", pair("label", "site"), SETTINGS)
    assert row["left_out"] == (
        "2 whose embedding is 0 or not finite; 1 without label; 2 without site; 1 with a value that counts as missing"
    )
    assert (row["n"], row["n_left_out"]) == (94, 6)


def test_numbers_are_binned_and_labelled_so():
    n = 200
    x = np.random.default_rng(0).normal(size=(n, 4))
    names, case_sheets = cases_with(n, age=np.arange(n).astype(str), site=np.array(["N", "S"])[np.arange(n) % 2])
    row, _ = measure(x, names, case_sheets, "cases", pair("age", "site"), SETTINGS)
    assert row["n_labels"] == 4
    assert "age: 4 bins of quantiles" in row["note"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["N"] * 60, "one value only"),
        ([f"s{k}" for k in range(60)], "as many values"),
        ([""] * 60, "no case has a value"),
    ],
)
def test_a_column_that_says_nothing_says_why(values, reason):
    names, case_sheets = cases_with(60, label=np.array(["a", "b"])[np.arange(60) % 2], site=values)
    row, ladder = measure(np.ones((60, 3)), names, case_sheets, "cases", pair("label", "site"), SETTINGS)
    assert f"cannot: site: {reason}" in row["note"]
    assert "ri" not in row
    assert ladder.empty


def test_clusters_follow_what_the_embedding_shows():
    n = 120
    rng = np.random.default_rng(1)
    code, site = rng.integers(3, size=n), rng.integers(2, size=n)
    names, case_sheets = cases_with(n, label=np.array(list("abc"))[code], site=np.array(list("NS"))[site])
    x = 8 * np.eye(5)[code] + rng.normal(size=(n, 5))
    row, _ = measure(x, names, case_sheets, "cases", pair("label", "site"), SETTINGS)
    assert row["ari_label"] == 1
    assert abs(row["ari_site"] - adjusted_rand_score(site, site[::-1])) < 0.2
    assert row["ri"] > 0.95


def test_a_large_cohort_is_drawn_from_and_says_so(monkeypatch):
    monkeypatch.setattr(robustness_job, "MOST", 200)
    n = 250
    rng = np.random.default_rng(2)
    names, case_sheets = cases_with(
        n, label=np.array(["a", "b"])[rng.integers(2, size=n)], site=np.array(["N", "S"])[rng.integers(2, size=n)]
    )
    row, _ = measure(rng.normal(size=(n, 3)), names, case_sheets, "cases", pair("label", "site"), SETTINGS)
    assert row["n"] == n
    assert row["note"] == "200 of 250, drawn"
    assert row["n_margins"] == 200


def test_slides_of_one_case_are_no_neighbours():
    """Two slides of each case are close and share all; without their case they would be each other's nearest."""
    rng = np.random.default_rng(5)
    cases = [f"K{k:03d}" for k in np.repeat(np.arange(60), 2)]
    names = [f"{case}-{k % 2}" for k, case in enumerate(cases)]
    label, site = np.array(["a", "b"])[np.repeat(rng.integers(2, size=60), 2)], np.array(list("NS"))[np.arange(120) % 2]
    both_sheets = Sheets(
        pd.DataFrame({"slide_id": names, "case_id": cases, "label": label, "site": site}), pd.DataFrame(), {}
    )
    x = np.repeat(rng.normal(size=(60, 4)), 2, axis=0) + 0.001 * rng.normal(size=(120, 4))
    row, _ = measure(x, names, both_sheets, "slides", pair("label", "site"), SETTINGS)
    other = robustness(x, label, site, cases, 20)
    assert row["ri"] == pytest.approx(other.ri, abs=1e-12)
    assert row["ri"] < robustness(x, label, site, names, 20).ri - 0.03
