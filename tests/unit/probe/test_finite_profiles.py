"""Embedded profiles with NaN or infinite numbers are refused by name, never taken for profiles that aren't there."""

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.h5ad import write_h5ad
from molpath.interpret.gene_directions import placed
from molpath.probe.embeddings import EmbeddingTable
from molpath.probe.prompting import molecular
from molpath.probe.tasks import BadTask


@pytest.fixture
def profiles(tmp_path):
    """Six expression profiles, the third with a NaN."""
    x = np.ones((6, 2), np.float32)
    x[2, 1] = np.nan
    names = [f"P{k}" for k in range(6)]
    obs = {"profile_id": names, "case_id": [f"C{k}" for k in range(6)], "modality": "rna"}
    write_h5ad(tmp_path / "p.h5ad", anndata.AnnData(x, pd.DataFrame(obs, [f"rna:{name}" for name in names])))
    return str(tmp_path / "p.h5ad")


def test_prompts_and_directions_of_genes_name_the_profile(profiles):
    with pytest.raises(BadTask, match="p.h5ad: the embedding of 1 profile holds NaN or infinite numbers: rna:P2"):
        molecular(None, profiles, ["rna"])
    with pytest.raises(BadTask, match="p.h5ad: the embedding of 1 profile holds NaN or infinite numbers: P2"):
        placed(profiles, [f"P{k}" for k in range(6)])
    kept, _ = placed(profiles, ["P0", "P1", "P3", "P4", "P9"])
    assert kept.tolist() == [True] * 4 + [False], "profiles that nobody asks for don't matter"


def test_only_finite_rows_of_a_table_with_their_columns(profiles):
    kept, lost = EmbeddingTable.read(profiles).only_finite()
    assert lost == ["rna:P2"]
    assert kept.columns["case_id"] == ["C0", "C1", "C3", "C4", "C5"]
    assert (len(kept.ids), kept.vectors.shape) == (5, (5, 2))
