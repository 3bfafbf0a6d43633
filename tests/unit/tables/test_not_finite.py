"""An embedding with NaN or an infinite number: set aside by name where a page shows the others, counted, never used."""

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.common.h5ad import write_h5ad
from molpath.figures.maps import map_slides
from molpath.figures.style import plot_embeddings
from molpath.probe.tsne import tsne
from molpath.tables.embedding_map import map_embeddings
from molpath.tables.scales import list_scales


def vectors_of(count, width=6):
    """Embeddings of slides, from a seed."""
    return np.random.default_rng(0).normal(size=(count, width)).astype(np.float32)


def drawn(folder, x, points=20000):
    """The table and the text of the map of embeddings x, slides S00, S01, …"""
    ids = [f"S{k:02d}" for k in range(len(x))]
    obs = pd.DataFrame({"case_id": [f"C{k:02d}" for k in range(len(x))]}, ids)
    for name in ("embed/m", "tables", "figures/embedding_maps"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_h5ad(folder / "embed/m/slides.h5ad", anndata.AnnData(x, obs))
    write_tsv(folder / "embed/m/slides.tsv", pd.DataFrame({"slide_id": ids, "status": "ok"}))
    page, table = folder / "figures/embedding_maps/m.html", folder / "tables/m.tsv"
    files = {"embedded": folder / "embed/m/slides.h5ad", "fates": folder / "embed/m/slides.tsv", "results": folder}
    files |= {"table": table, "page": page}
    options = {
        "model": "m",
        "slides": [],
        "sheets": [],
        "colours": [],
        "points": points,
        "seed": 0,
        "note": "synthetic",
    }
    map_embeddings(**options, **{name: str(path) for name, path in files.items()})
    return read_tsv(table), page.read_text()


def test_the_map_is_made_without_a_slide_whose_embedding_is_not_finite(tmp_path):
    x = vectors_of(40)
    x[7, 2], x[21, 0], x[30, 5] = np.nan, np.inf, -np.inf
    is_good = np.isfinite(x).all(1)
    table, page = drawn(tmp_path / "whole", x)
    assert sorted(table.slide_id) == [f"S{k:02d}" for k in range(40)]
    assert table.status.tolist() == ["ok"] * 37 + ["set_aside"] * 3
    lost = table[table.status == "set_aside"]
    assert lost.slide_id.tolist() == ["S07", "S21", "S30"]
    assert set(lost.reason) == {"not_finite"}
    assert (lost[["x", "y", "nearest", "cosines"]] == "").all(axis=None)
    assert "3 slides are set aside, because their embeddings hold NaN or infinite numbers: S07, S21, S30." in page
    assert "37 slides, 6 numbers each" in page
    # The others are as they would be without it.
    without, _ = drawn(tmp_path / "without", x[is_good])
    kept = table[table.status == "ok"]
    assert kept[["x", "y", "cosines"]].equals(without[["x", "y", "cosines"]])
    renamed = dict(zip(without.slide_id, kept.slide_id, strict=True))
    assert kept.nearest.tolist() == [";".join(renamed[name] for name in row.split(";")) for row in without.nearest]


def test_slides_are_drawn_among_those_that_can_be_shown(tmp_path):
    x = vectors_of(40)
    x[:10] = np.nan
    table, page = drawn(tmp_path, x, points=12)
    assert table.status.value_counts().to_dict() == {"ok": 12, "set_aside": 10}
    assert "Only 12 of 30 slides are shown" in page
    assert "S00, S01, S02, S03, S04, S05, S06, S07, S08, S09." in page


@pytest.mark.parametrize("count", [1, 12])
def test_a_map_without_any_slide_says_why(tmp_path, count):
    table, page = drawn(tmp_path, np.full((count, 3), np.nan, np.float32))
    assert set(table.status) == {"set_aside"}
    assert "No slide is shown" in page
    assert ("1 slide is set aside, because its embedding holds" in page) == (count == 1)
    assert ("S09 and 2 more" in page) == (count == 12)


def test_scales_are_of_finite_embeddings_and_count_the_others(tmp_path):
    x = np.array([[3, 4], [np.nan, 1], [0, 5], [np.inf, 0]], np.float32)
    write_h5ad(tmp_path / "a.h5ad", anndata.AnnData(x))
    write_h5ad(tmp_path / "b.h5ad", anndata.AnnData(x[[1]]))
    list_scales(
        models=["a", "b"], tables=[str(tmp_path / f"{name}.h5ad") for name in "ab"], output=str(tmp_path / "s.tsv")
    )
    a, b = read_tsv(tmp_path / "s.tsv").to_dict("records")
    assert (a["cases"], a["not_finite"], a["mean_norm"]) == ("2", "2", "5")
    assert float(a["sd"]) == pytest.approx(np.sqrt((1.5**2 + 0.5**2) / 2))
    assert (b["cases"], b["not_finite"], b["mean_norm"], b["sd"], b["constant"]) == ("0", "1", "", "", "")


def test_figures_of_embeddings_go_on_and_say_how_many_are_missing(tmp_path):
    x = vectors_of(30)
    x[4, 0] = np.nan
    ids = [f"S{k:02d}" for k in range(30)]
    write_h5ad(tmp_path / "cases.h5ad", anndata.AnnData(x, pd.DataFrame({"organ": ["a", "b"] * 15}, ids)))
    plot_embeddings([str(tmp_path / "cases.h5ad")], ["m"], "organ", str(tmp_path / "pca.svg"), "synthetic")
    assert "1 not finite, not shown" in (tmp_path / "pca.svg").read_text()


def test_the_map_of_training_slides_is_made_and_lists_what_it_leaves_out(tmp_path):
    import h5py

    x = vectors_of(30)
    x[4, 0] = np.inf
    ids = [f"S{k:02d}" for k in range(30)]
    with h5py.File(tmp_path / "block.h5", "w") as handle:
        handle["ids"], handle["embeddings"], handle["slides"] = ids, x, ids
        handle["n_patches"] = np.ones(30, int)
    write_tsv(tmp_path / "sheet.tsv", pd.DataFrame({"slide_id": ids, "organ": ["a", "b"] * 15}))
    figure, table = tmp_path / "m.svg", tmp_path / "m.tsv"
    files = {"slides": tmp_path / "sheet.tsv", "sheet": tmp_path / "sheet.tsv", "table": table, "figure": figure}
    options = {"colours": ["organ"], "points": 100, "seed": 0, "model": "m", "note": "synthetic"}
    map_slides(blocks=[str(tmp_path / "block.h5")], **options, **{name: str(path) for name, path in files.items()})
    rows = read_tsv(table)
    assert len(rows) == 30
    assert rows[rows.status == "set_aside"].slide_id.tolist() == ["S04"]
    assert rows.set_index("slide_id").x["S04"] == ""
    assert "29 slides by organ" in figure.read_text()
    assert "1 not finite, not shown" in figure.read_text()


@pytest.mark.parametrize("scale", [1e37, 1e-40])
def test_numbers_near_the_ends_of_float32_have_a_map(tmp_path, scale):
    """scikit-learn would end the process."""
    x = vectors_of(20)
    places = tsne((x * scale).astype(np.float32), 0)
    assert np.isfinite(places).all()
    assert len(np.unique(places, axis=0)) == 20
    x[3] = 3e38
    table, _ = drawn(tmp_path, x)
    assert np.isfinite(table[["x", "y"]].to_numpy(float)).all()
