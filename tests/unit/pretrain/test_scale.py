"""Deviations from the training profiles: genes that were never seen, and genes that hardly change."""

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from molpath.embed.profiles import embed_rna, shown_genes
from molpath.pretrain.molecular_encoders import PAD, ValueEncoder, standardise
from molpath.pretrain.network import build
from molpath.pretrain.preparation import scale_of

from .cohort import RUN


def test_a_gene_that_hardly_changes_keeps_its_unit():
    values = np.array([[0, 1.0, 1], [0, 1.001, 3]], np.float32)
    scale = scale_of(values, ["none", "hardly", "much"])
    assert scale["deviation"] == {"none": 1.0, "hardly": 1.0, "much": 1.0}
    assert scale_of(values * 3, ["none", "hardly", "much"])["deviation"]["much"] == 3
    shown = standardise(np.array([[0.5, 2, 3]], np.float32), scale, ["none", "hardly", "much"])
    np.testing.assert_allclose(shown, [[0.5, 0.9995, 1.0]], atol=1e-6)


def test_a_gene_that_training_never_saw_is_not_shown():
    scale = {"mean": {"A": 5.0}, "deviation": {"A": 2.0}}
    np.testing.assert_array_equal(standardise(np.array([[9, 8]], np.float32), scale, ["A", "H"]), [[2, np.nan]])
    assert standardise(np.array([[9, 8]], np.float32), {}, ["A", "H"]).tolist() == [[9, 8]]


def test_genes_that_training_never_saw_change_no_embedding():
    section = RUN["rna_encoder"] | {"vocabulary": [PAD, "<cls>", "<eoc>", "A", "B", "H"]}
    section |= {"mean": {"A": 5.0, "B": 4.0}, "deviation": {"A": 2.0, "B": 1.0}}
    description = {"slide_encoder": RUN["slide_encoder"] | {"input": 6}, "rna_encoder": section}
    assert shown_genes(description) == ["A", "B"]
    network = build(description, 0).eval()
    outputs = [
        embed_rna(network, description, anndata.AnnData(np.array([row], np.float32), var=pd.DataFrame(index=names)))
        for row, names in (([6, 3], ["A", "B"]), ([6, 8, 3], ["A", "H", "B"]))
    ]
    np.testing.assert_allclose(*outputs, atol=1e-6)


@pytest.mark.parametrize("sign", [1, -1])
def test_values_are_clipped_on_both_sides(sign):
    encoder = ValueEncoder(4, 0.0).eval()
    with torch.no_grad():
        far, limit = encoder(torch.tensor([[sign * 1e6]])), encoder(torch.tensor([[sign * 512.0]]))
    torch.testing.assert_close(far, limit)
