"""h5ad files are read again as they were written, whatever the columns of a user's sheet are called."""

import anndata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.common.h5ad import ORIGINALS, Unreadable, check_readable, readable_names, write_h5ad


def table_of(columns, index="slide_id"):
    """A column of its own values for each name."""
    values = [[f"{row}{i}" for i in range(len(columns))] for row in "ab"]
    obs = pd.DataFrame(values, index=pd.Index(["x", "y"], name=index))
    obs.columns = columns
    return obs


def written(path, obs):
    data = anndata.AnnData(np.array([[1.0], [2.0]], np.float32))
    data.obs = obs
    write_h5ad(path, data)
    return anndata.read_h5ad(path)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["age", "Größe", "T (mm)", " x", "a.b"], ["age", "Größe", "T (mm)", " x", "a.b"]),
        (["T/N stage"], ["T_N stage"]),
        (["T/N stage", "T"], ["T_N stage", "T"]),
        (["T", "T/N stage", "T_N stage"], ["T", "T_N stage_2", "T_N stage"]),
        (["_index"], ["_index_2"]),
        (["slide_id"], ["slide_id_2"]),
        (["", "."], ["unnamed", "unnamed_2"]),
        (["/a", "a/"], ["_a", "a_"]),
        ([".", "unnamed"], ["unnamed_2", "unnamed"]),
        (["a", "a"], ["a", "a_2"]),
    ],
)
def test_columns_are_read_with_their_values_and_originals_are_kept(columns, names, tmp_path):
    table = written(tmp_path / "x.h5ad", table_of(columns))
    assert list(table.obs.columns) == names
    assert table.obs.to_numpy().tolist() == table_of(columns).to_numpy().tolist()
    assert table.X.ravel().tolist() == [1, 2]
    kept = table.uns[ORIGINALS] if ORIGINALS in table.uns else pd.DataFrame(columns=["name", "original"])
    originals = dict(zip(kept.name, kept.original, strict=True))
    assert [originals.get(name, name) for name in names] == columns


def test_an_index_of_a_bad_name_goes_without(tmp_path):
    table = written(tmp_path / "x.h5ad", table_of(["a"], index="case/slide"))
    assert list(table.obs_names) == ["x", "y"]
    assert table.uns[ORIGINALS].original.tolist() == ["case/slide"]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.text(st.sampled_from("aT/._ \0ä"), max_size=4), max_size=6))
def test_any_names_are_read_again(tmp_path_factory, columns):
    names = readable_names(columns, "slide_id")
    assert len(set(names)) == len(columns)
    table = written(tmp_path_factory.mktemp("h5ad") / "x.h5ad", table_of(columns))
    assert list(table.obs.columns) == names
    assert table.obs.to_numpy().tolist() == table_of(columns).to_numpy().tolist()


def test_a_file_that_reads_otherwise_is_reported_and_never_takes_its_name(tmp_path, monkeypatch):
    data = anndata.AnnData(np.zeros((2, 1), np.float32), obs=table_of(["a"]))
    monkeypatch.setattr("molpath.common.h5ad.give_readable_names", lambda data: None)
    data.obs["T/N"], data.obs["T"] = "1", "2"
    with pytest.raises(Unreadable, match="can't be read back"):
        write_h5ad(tmp_path / "x.h5ad", data)
    assert not list(tmp_path.iterdir())
    other = anndata.AnnData(np.zeros((2, 1), np.float32), obs=table_of(["b"]))
    other.write_h5ad(tmp_path / "other.h5ad")
    with pytest.raises(Unreadable, match="obs is read with other columns"):
        check_readable(tmp_path / "other.h5ad", anndata.AnnData(np.zeros((2, 1)), obs=table_of(["a"])))
