"""What a run takes from the tables of profiles: chosen genes, one kind of value."""

import anndata
import numpy as np
import pytest
from molpath.common.files import write_h5ad
from molpath.pretrain.pairs_data import UnfitProfiles, read_tables


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
