"""The map of the slides a run trained on: those slides alone, the same bytes twice, groups that stand apart."""

import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.maps import map_slides


def write_block(path, ids, x):
    with h5py.File(path, "w") as handle:
        handle["ids"] = ids.tolist()
        handle["embeddings"] = x.astype(np.float32)
        handle["slides"] = ids.tolist()
        handle["n_patches"] = np.ones(len(ids), int)
    return path


@pytest.fixture
def cohort(tmp_path):
    """90 slides of three organs far from each other, in two blocks; the run trained on 80 of them."""
    rng = np.random.default_rng(0)
    organs = np.array(["Kidney", "Lung", ""])[np.arange(90) % 3]
    x = rng.normal(size=(90, 8)) + 20 * np.eye(8)[np.arange(90) % 3]
    ids = np.array([f"S{i:02d}" for i in range(90)])[::-1]
    sheet = pd.DataFrame({"slide_id": ids, "organ": organs, "cohort": "A"})
    write_tsv(tmp_path / "sheet.tsv", sheet)
    write_tsv(tmp_path / "slides.tsv", sheet[sheet.slide_id >= "S10"][["slide_id"]])
    blocks = [write_block(tmp_path / f"{k}.h5", ids[k::2], x[k::2]) for k in (0, 1)]
    return tmp_path, blocks, sheet


def mapped(cohort, colours=("organ", "cohort"), points=1000, name="map"):
    folder, blocks, _ = cohort
    outputs = {"table": folder / f"{name}.tsv", "figure": folder / f"{name}.svg"}
    settings = {"colours": colours, "points": points, "seed": 0, "model": "threads", "note": "synthetic"}
    map_slides(blocks=blocks, slides=folder / "slides.tsv", sheet=folder / "sheet.tsv", **settings, **outputs)
    return read_tsv(outputs["table"]), outputs["figure"]


def test_slides_of_the_run_by_organ(cohort):
    table, figure = mapped(cohort)
    assert table.slide_id.tolist() == [f"S{i}" for i in range(10, 90)]
    organs = cohort[2].set_index("slide_id").organ.replace("", "not given")
    assert table.organ.tolist() == organs[table.slide_id].tolist()
    places = table[["x", "y"]].astype(float)
    middles = places.groupby(table.organ).mean()
    nearest = [(middles - place).pow(2).sum(1).idxmin() for place in places.to_numpy()]
    assert nearest == table.organ.tolist()
    drawn = figure.read_text()
    assert "by organ" in drawn
    assert "by cohort" not in drawn  # they are all of one


def test_the_same_bytes_and_no_more_points_than_asked_for(cohort):
    table, figure = mapped(cohort, points=40)
    assert len(table) == 40
    assert table.slide_id.is_monotonic_increasing
    again, other = mapped(cohort, points=40, name="again")
    assert again.equals(table)
    assert other.read_bytes() == figure.read_bytes()
    assert other.with_suffix(".png").read_bytes() == figure.with_suffix(".png").read_bytes()


def test_one_value_and_no_such_column(cohort):
    _, figure = mapped(cohort, colours=("cohort",))
    assert "80 slides by cohort" in figure.read_text()
    table, figure = mapped(cohort, colours=("nothing",))
    assert table.columns.tolist() == ["slide_id", "status", "reason", "x", "y"]
    assert "threads" in figure.read_text()
