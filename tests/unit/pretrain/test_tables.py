"""What a run takes from the tables of profiles: chosen genes, one kind of value."""

import anndata
import numpy as np
import pytest
from molpath.common.h5ad import write_h5ad
from molpath.pretrain.data import UnfitProfiles, read_tables


def write(path, names, selected=None, value="log2_tpm_plus_1"):
    data = anndata.AnnData(np.arange(2.0 * len(names), dtype=np.float32).reshape(2, -1))
    data.obs_names, data.var_names = [f"{path.stem}{i}" for i in range(2)], names
    if selected is not None:
        data.var["selected"] = selected
    data.uns["value"] = value
    write_h5ad(path, data)
    return str(path)


def test_only_chosen_genes_that_all_cohorts_have_are_trained_on(tmp_path):
    first = write(tmp_path / "a.h5ad", ["A", "B", "C", "D"], [True, False, True, True])
    second = write(tmp_path / "b.h5ad", ["D", "C", "B"])
    found = read_tables([first, second])
    assert list(found.var_names) == ["C", "D"]
    assert found.X.tolist() == [[2, 3], [6, 7], [1, 0], [4, 3]]


def test_two_kinds_of_values_are_no_training_data(tmp_path):
    paths = [write(tmp_path / "a.h5ad", ["A"]), write(tmp_path / "b.h5ad", ["A"], value="vst")]
    with pytest.raises(UnfitProfiles, match="hold log2_tpm_plus_1 and vst; a run needs one kind of value"):
        read_tables(paths)


def test_flags_that_were_never_looked_for_are_counted(tmp_path, caplog):
    """Two cohorts of two genes each, one shared: of 4 x 3 flags one is off a panel, and four are of another cohort."""
    paths = []
    for name, genes in (("a", ["G1:gain", "G2:gain"]), ("b", ["G2:gain", "G3:gain"])):
        data = anndata.AnnData(np.ones((2, 2), np.float32))
        data.obs_names, data.var_names = [f"{name}{i}" for i in range(2)], genes
        data.layers["observed"] = np.array([[1, name == "b"], [1, 1]], np.uint8)
        data.uns["value"] = "flags"
        write_h5ad(tmp_path / f"{name}.h5ad", data)
        paths.append(str(tmp_path / f"{name}.h5ad"))
    found = read_tables(paths)
    assert found.X.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 1, 1]]
    assert "41.7 % of the DNA flags were not observed" in caplog.text
