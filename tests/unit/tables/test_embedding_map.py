"""The map of embeddings: neighbours as anyone would compute them, columns, what is left out, the same bytes twice."""

import base64
import gzip
import json
import re

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.common.h5ad import write_h5ad
from molpath.tables import embedding_map
from molpath.tables.embedding_map import describe, map_embeddings, neighbours_of

HOSTILE = "</script><img src=http://a.example/x.png onerror=\"document.title='ran'\">'\""


def write_cohort(results, groups=4, per_group=25, width=12, **columns):
    """An embedding of slides in groups far from each other, two slides per case, and what became of two others."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(groups), per_group)
    x = rng.normal(size=(groups, width))[group] * 8 + rng.normal(size=(len(group), width))
    ids = [f"S{k:03d}" for k in range(len(x))]
    obs = pd.DataFrame({"case_id": [f"C{k // 2:03d}" for k in range(len(x))], "grade": [f"g{k}" for k in group]}, ids)
    obs["slides_used"] = ids
    for folder in ("embed/m", "tables/embedding_maps", "figures/embedding_maps"):
        (results / folder).mkdir(parents=True)
    write_h5ad(results / "embed/m/slides.h5ad", anndata.AnnData(x.astype(np.float32), obs.assign(**columns)))
    fates = pd.DataFrame({"slide_id": [*ids, "L1", "L2"], "status": ["ok"] * len(ids) + ["set_aside"] * 2})
    write_tsv(results / "embed/m/slides.tsv", fates)
    return ids, x.astype(np.float32), group


def draw(results, **changed):
    """The table and the data of the page."""
    page, table = results / "figures/embedding_maps/m.html", results / "tables/embedding_maps/m.tsv"
    files = {"embedded": results / "embed/m/slides.h5ad", "fates": results / "embed/m/slides.tsv"}
    files |= {"table": table, "page": page, "results": results}
    request = {
        "model": "m",
        "slides": [],
        "sheets": [],
        "colours": ["organ", "grade"],
        "points": 20000,
        "seed": 0,
        "note": "synthetic",
    }
    map_embeddings(**request | {name: str(path) for name, path in files.items()} | changed)
    text = page.read_text()
    (packed,) = re.findall(r'<script type="text/plain" id="data">([^<]+)</script>', text)
    return read_tsv(table), json.loads(gzip.decompress(base64.b64decode(packed))), text


def nearest_by_hand(x, k):
    """Rows of the k highest cosines of each row, in Python."""
    unit = x.astype(float) / np.sqrt((x.astype(float) ** 2).sum(1))[:, None]
    nearest = []
    for row in range(len(x)):
        cosine = [(-round(float(unit[row] @ unit[other]), 9), other) for other in range(len(x)) if other != row]
        nearest.append([other for _, other in sorted(cosine)[:k]])
    return np.array(nearest)


def test_neighbours_are_those_of_whole_embeddings(tmp_path):
    ids, x, group = write_cohort(tmp_path)
    table, data, _ = draw(tmp_path)
    expected = nearest_by_hand(x, 10)
    assert table.nearest.tolist() == [";".join(ids[k] for k in row) for row in expected]
    assert data["near"] == expected.tolist()
    first = x[0] @ x[expected[0, 0]] / np.linalg.norm(x[0]) / np.linalg.norm(x[expected[0, 0]])
    assert float(table.cosines[0].split(";")[0]) == pytest.approx(first, abs=1e-6)
    # Groups far apart are apart on the map, too.
    places = table[["x", "y"]].to_numpy(float)
    far = ((places[:, None] - places[None]) ** 2).sum(2) + np.diag([np.inf] * len(places))
    assert (group[far.argmin(1)] == group).all()
    np.testing.assert_allclose(np.column_stack([data["x"], data["y"]]), places, rtol=1e-5)


def test_equal_embeddings_are_in_the_order_of_slides_and_zeros_resemble_nobody():
    x = np.array([[1, 0], [0, 1], [1, 0], [2, 0], [0, 0]], np.float32)
    neighbours = neighbours_of(x, 3)
    assert neighbours.rows.tolist()[:4] == [[2, 3, 1], [0, 2, 3], [0, 3, 1], [0, 2, 1]]
    assert neighbours.cosines[4].tolist() == [0, 0, 0]
    assert neighbours_of(x[:1], 3).rows.shape == (1, 0)


def test_the_first_of_more_equal_embeddings_than_are_listed():
    x = np.repeat(np.random.default_rng(0).normal(size=(2, 8)), 15, axis=0).astype(np.float32)
    assert neighbours_of(x, 10).rows.tolist() == nearest_by_hand(x, 10).tolist()


def test_neighbours_in_blocks_of_slides_are_the_same(monkeypatch):
    """Distances of many slides are computed some rows at a time."""
    x = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    monkeypatch.setattr(embedding_map, "MEGABYTES", 0.002)  # five rows
    assert neighbours_of(x, 10).rows.tolist() == nearest_by_hand(x, 10).tolist()


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    write_cohort(tmp_path)
    table, _, page = draw(tmp_path)
    again = draw(tmp_path)
    assert again[2] == page
    assert again[0].equals(table)


def test_only_drawn_slides_are_shown_and_the_page_says_so(tmp_path):
    ids, x, _ = write_cohort(tmp_path)
    table, data, page = draw(tmp_path, points=40, seed=3)
    kept = [ids.index(name) for name in table.slide_id]
    assert kept == sorted(np.random.default_rng(3).choice(100, 40, replace=False))
    assert data["near"] == nearest_by_hand(x[kept], 10).tolist()
    assert data["cases"] == [f"C{k // 2:03d}" for k in kept]
    assert "Only 40 of 100 slides are shown, drawn at random (seed 3" in page
    assert "2 slides have no embedding" in page


def test_few_slides_share_one_point(tmp_path):
    write_cohort(tmp_path, groups=1, per_group=3)
    table, data, page = draw(tmp_path)
    assert set(table.x) == set(table.y) == {"0"}
    assert [len(row) for row in data["near"]] == [2, 2, 2]
    assert "All lie on one point" in page


def test_every_column_that_says_something_is_there(tmp_path):
    """Of the sheets and of tables/slides.tsv; not of files, and not those of one value."""
    ids, *_ = write_cohort(tmp_path, organ="lung")
    rows = {
        "slide_id": ids[::-1],
        "case_id": "other",
        "area_mm2": [str(k) for k in range(100)],
        "focus": "1",
        "contours": "x",
    }
    rows["contours"] = [f"{k}.geojson" for k in range(100)]
    write_tsv(tmp_path / "tables/slides.tsv", pd.DataFrame(rows).iloc[1:])
    (tmp_path / "wsi/thumbnails").mkdir(parents=True)
    (tmp_path / f"wsi/thumbnails/{ids[3]}.jpg").touch()
    _, data, _ = draw(tmp_path, slides=[str(tmp_path / "tables/slides.tsv")])
    columns = {column["name"]: column for column in data["columns"]}
    assert list(columns) == ["case_id", "grade", "area_mm2", "focus"], "the last slide has no focus"
    assert columns["case_id"]["words"][0] == "C000"
    assert columns["area_mm2"]["numbers"][:2] == [99, 98]
    assert columns["area_mm2"]["numbers"][-1] is None
    assert data["first"] == "grade", "organ is the same in all"
    assert np.flatnonzero(data["pictures"]).tolist() == [3]
    assert data["thumbnails"] == "../../wsi/thumbnails/"


@pytest.mark.parametrize("cells", [["01", "02", "03"], ["1", "2", ""], ["1", "3", "x"]])
def test_codes_and_words_are_classes(cells):
    assert describe("site", cells)["codes"] == [-1 if not cell else k for k, cell in enumerate(cells)]


def test_numbers_have_a_scale_and_what_is_missing_stays_missing():
    cells = [*map(str, range(1, 101)), "", "nan", "1e6"]
    described = describe("age", cells)
    assert described["numbers"] == [*range(1, 101), None, None, 1e6]
    assert described["ends"] == [float(f"{value:.6g}") for value in np.percentile([*range(1, 101), 1e6], [1, 99])]
    assert described["range"] == [1, 1e6]
    assert describe("case_id", cells)["codes"][:2] != [1, 2]
    few = describe("x", ["b", "a", "b", ""])
    assert (few["words"], few["codes"]) == (["b", "a"], [0, 1, 0, -1])


def test_whole_numbers_keep_their_digits():
    cells = ["45671", "1234567", "123456789012", "2.123456789", "-7"]
    assert describe("n", cells)["numbers"] == [45671, 1234567, 123456789012, 2.12346, -7]


def test_a_slide_alone_and_one_without_an_embedding(tmp_path):
    ids, *_ = write_cohort(tmp_path, groups=1, per_group=1, width=1)
    fates = pd.DataFrame({"slide_id": [*ids, "L1"], "status": ["ok", "set_aside"]})
    write_tsv(tmp_path / "embed/m/slides.tsv", fates)
    _, data, page = draw(tmp_path)
    assert data["near"] == [[]]
    assert "1 slide, 1 number each" in page
    assert "1 slide has no embedding and is not shown" in page


def test_texts_of_others_are_no_markup(tmp_path):
    write_cohort(tmp_path, cohort=HOSTILE, **{HOSTILE: [HOSTILE, "x"] * 50})
    _, data, page = draw(tmp_path, model=HOSTILE)
    assert {*data["cohorts"]} == {HOSTILE}
    assert 'a.example/x.png onerror="' not in page
    assert "<img" not in page
