"""How large the molecular branches get: which genes the DNA branch sees, and what is refused before a step."""

import copy
import json
import tracemalloc

import anndata
import numpy as np
import pytest
from molpath.common.h5ad import write_h5ad
from molpath.pretrain import runs
from molpath.pretrain.profiles import read_tables
from molpath.pretrain.sizes import TooLarge, check_size, flags_of_genes

from .cohort import RUN, arguments, train, write_cohort


def write_flags(folder, listed):
    """Flags of the cohort's 12 profiles, two per gene: A and B change in most profiles, Z in one, N in none."""
    table = anndata.read_h5ad(folder / "dna.h5ad")
    genes = {"Z": [11], "B": range(9), "N": [], "A": range(3, 12), "C": range(4)}
    values = np.zeros((12, 2 * len(genes)), np.float32)
    for place, changed in enumerate(genes.values()):
        values[list(changed), 2 * place] = 1
    for place in (2, 3):
        values[:, 2 * place + 1] = values[:, 2 * place]  # two flags of one gene: one change
    data = anndata.AnnData(values, obs=table.obs)
    data.var_names = [f"{gene}:{flag}" for gene in genes for flag in ("gain", "loss")]
    data.uns |= {"value": "flags", "listed": listed}
    write_h5ad(folder / "dna.h5ad", data)


def flags_of(folder, genes, out="out"):
    run = copy.deepcopy(RUN)
    run["dna_encoder"]["genes"] = genes
    run["training"]["epochs"] = 1
    return json.loads(train(folder, run, out)["config.json"])["dna_encoder"]["flags"]


def test_without_a_list_the_dna_branch_sees_the_genes_that_change_in_most_training_profiles(tmp_path):
    """18,000 genes of 7 flags made 48 billion parameters."""
    write_cohort(tmp_path)
    write_flags(tmp_path, listed=False)
    assert flags_of(tmp_path, 3) == ["B:gain", "B:loss", "A:gain", "A:loss", "C:gain", "C:loss"]
    assert flags_of(tmp_path, 1, "one") == ["A:gain", "A:loss"]  # as often as B, and before it by name
    assert len(flags_of(tmp_path, 0, "all")) == 10
    write_flags(tmp_path, listed=True)
    assert len(flags_of(tmp_path, 3, "listed")) == 10  # a list is taken as it is


def test_profiles_that_no_slide_of_the_run_has_choose_no_gene(tmp_path):
    write_cohort(tmp_path)
    write_flags(tmp_path, listed=False)
    pairs = (tmp_path / "pairs.tsv").read_text().splitlines(keepends=True)
    (tmp_path / "pairs.tsv").write_text("".join([pairs[0], *pairs[-4:]]))  # cases 10 and 11
    assert flags_of(tmp_path, 2) == ["Z:gain", "Z:loss", "A:gain", "A:loss"]


def test_a_network_that_memory_cannot_hold_is_refused_before_it_is_made(tmp_path, monkeypatch):
    section = {**RUN["slide_encoder"], "input": 6}
    dna = RUN["dna_encoder"] | {"layers": 4, "flags": [f"G{i}" for i in range(126_000)]}
    with pytest.raises(TooLarge) as refused:
        check_size({"slide_encoder": section, "dna_encoder": dna}, "toy", 100e9, "memory")
    message = str(refused.value)
    assert "pretrain/runs/toy/dna_encoder" in message
    n = 126_000
    assert f"{3 * n * n + 9 * n + 8 * n + 24:,} parameters" in message  # three layers of n x n, and the last, n x 8
    assert "omics/dna_genes" in message
    rna = RUN["rna_encoder"] | {"width": 200_000, "vocabulary": ["a", "b"]}
    with pytest.raises(TooLarge, match=r"pretrain/runs/toy/rna_encoder: .*lower width, layers"):
        check_size({"slide_encoder": section, "rna_encoder": rna}, "toy", 100e9, "memory")
    check_size({"slide_encoder": section}, "toy", 100e9, "memory")
    write_cohort(tmp_path)
    monkeypatch.setattr(runs, "room", lambda device, processes: (1000.0, "of memory"))
    values = arguments(tmp_path, RUN, "out")
    with pytest.raises(TooLarge, match="pretrain/runs/toy/"):
        train(tmp_path)
    assert not values["outputs"]["model.safetensors"].exists()


def test_flags_of_every_gene_take_a_byte_each_and_no_copy(tmp_path):
    """18,000 genes of 10,000 profiles took 5 GB as float32, and as much again for each copy."""
    genes, profiles = 4000, 1000
    flags = [f"G{gene:05}:{kind}" for gene in range(genes) for kind in range(7)]
    values = np.zeros((profiles, len(flags)), np.float32)
    values[:, 7] = values[:900, 14] = values[:900, 15] = values[:800, 21] = 1
    data = anndata.AnnData(values)
    data.var_names = flags
    data.layers["observed"] = np.ones(values.shape, np.uint8)
    data.uns |= {"value": "flags", "listed": False}
    write_h5ad(tmp_path / "dna.h5ad", data)
    size = values.size
    del data, values
    tracemalloc.start()
    table = read_tables([str(tmp_path / "dna.h5ad")])
    chosen = flags_of_genes(table.X, list(range(profiles)), table.var_names, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [flag for flag, is_chosen in zip(flags, chosen, strict=True) if is_chosen] == flags[7:21]
    assert table.X.dtype == np.uint8
    assert peak < 4.5 * size  # values and what was observed, a byte each, and their mean; 12 bytes before
