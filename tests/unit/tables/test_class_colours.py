"""A value of a column has the same colour on the maps and figures of all models, also where a model lacks a class."""

import re

import anndata
import matplotlib.colors
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import write_tsv
from molpath.common.h5ad import write_h5ad
from molpath.figures.maps import plot_clusters, style_of
from molpath.figures.style import COLOURS, plot_embeddings
from molpath.tables.embedding_map_columns import MOST, describe
from molpath.tables.names import in_order

ORGANS = ["lung"] * 5 + ["breast"] * 4 + ["colon"] * 4 + ["skin"] + [""]


def colours_of(column):
    """Place of its mark by each word that the page shows with one."""
    return {word: place for place, word in enumerate(column["words"][: column["named"]])}


def test_the_commonest_in_the_cohort_comes_first_whatever_a_map_has():
    whole = describe("organ", ORGANS, ORGANS)
    assert whole["words"] == ["lung", "breast", "colon", "skin"]
    part = describe("organ", ["skin", "skin", "colon", ""], ORGANS)
    assert colours_of(part) == colours_of(whole)
    assert part["codes"] == [3, 3, 2, -1]


def test_values_beyond_the_marks_are_others_on_every_map():
    cohort = [f"site {k:02d}" for k in range(30) for _ in range(30 - k)]
    whole, part = describe("site", cohort, cohort), describe("site", ["site 29", "site 11", "site 10"], cohort)
    assert colours_of(whole) == colours_of(part) == {f"site {k:02d}": k for k in range(MOST - 1)}
    assert part["words"][part["named"] :] == ["site 11", "site 29"], "of the others, those that the map has"
    exactly = [f"site {k:02d}" for k in range(MOST)]
    assert describe("site", exactly[:2], exactly)["named"] == MOST


def test_a_value_that_the_sheet_lacks_comes_after_those_it_has():
    assert in_order(["b", "a", "", "b", "c"]) == ["b", "a", "c"]
    assert describe("x", ["new", "a"], ["a", "b"])["words"] == ["a", "b", "new"]
    common = describe("x", ["new"] * 9 + ["a"], ["a", "b", "b"])
    assert common["words"] == ["b", "a", "new"], "also where it is the commonest on this map"
    assert common["codes"] == [2] * 9 + [1]


def test_numbers_have_the_scale_of_the_cohort():
    cohort = [str(k) for k in range(101)]
    few = describe("age", ["5", "7", ""], cohort)
    assert few["numbers"] == [5, 7, None], "two values are numbers where the cohort's are"
    assert (few["ends"], few["range"]) == ([1, 99], [0, 100])


def test_a_group_of_a_figure_keeps_its_style_and_missing_is_grey():
    order = in_order([cell or "not given" for cell in ORGANS])
    assert [style_of(name, order)["color"] for name in ("lung", "skin")] == [COLOURS[0], COLOURS[3]]
    assert style_of("not given", order)["color"] not in COLOURS


def drawn_groups(path):
    """Colours of the points of each panel, and of the legend with its words, in an SVG."""
    text = path.read_text()
    panels = re.findall(r'<g id="axes_\d+">.*?(?=<g id="axes_\d+">|\Z)', text, re.S)
    return [re.findall(r"<use [^>]*style=\"[^\"]*fill: (#[0-9a-f]{6})", panel) for panel in panels]


def test_components_of_two_models_share_colours_and_the_legend_has_every_class(tmp_path):
    rng = np.random.default_rng(0)
    for name, organs in (("one", ["a", "b", "c"]), ("two", ["b", "c", "c"])):
        obs = pd.DataFrame({"organ": organs * 4}, [f"{k}" for k in range(12)])
        write_h5ad(tmp_path / f"{name}.h5ad", anndata.AnnData(rng.normal(size=(12, 4)).astype(np.float32), obs))
    files = [str(tmp_path / f"{name}.h5ad") for name in ("one", "two")]
    plot_embeddings(files, ["one", "two"], "organ", str(tmp_path / "pca.svg"), "synthetic")
    first, two = drawn_groups(tmp_path / "pca.svg")
    a, b, c = (matplotlib.colors.to_hex(colour) for colour in COLOURS[:3])
    assert {colour: first.count(colour) for colour in (a, b, c)} == {a: 4, b: 4, c: 4}
    # Panel two with the legend: one more of each.
    assert {colour: two.count(colour) for colour in (a, b, c)} == {a: 1, b: 5, c: 9}


@pytest.mark.parametrize("first", [["x", "y"], ["y"]])
def test_labels_of_a_clustered_task_share_colours(tmp_path, first):
    points, scores = [], []
    for model, labels in (("m1", first), ("m2", ["x", "y"])):
        rows = pd.DataFrame({"label": labels, "x": [str(k) for k in range(len(labels))], "y": "0"})
        score = {"task": "s--t", "model": model, "protocol": "kmeans", "mean": "0.5"}
        summary = [score | {"metric": metric} for metric in ("ari", "mi")]
        write_tsv(tmp_path / f"{model}.tsv", rows)
        write_tsv(tmp_path / f"{model}s.tsv", pd.DataFrame(summary))
        points.append(str(tmp_path / f"{model}.tsv"))
        scores.append(str(tmp_path / f"{model}s.tsv"))
    plot_clusters(points, scores, str(tmp_path / "c.svg"), "synthetic")
    shown, _ = drawn_groups(tmp_path / "c.svg")
    x, y = (matplotlib.colors.to_hex(colour) for colour in COLOURS[:2])
    assert shown.count(y) == 1
    assert shown.count(x) == ("x" in first)
