"""What a run takes from the tables of profiles: chosen genes, one kind of value."""

import anndata
import numpy as np
import pytest
import torch
from molpath.common.h5ad import write_h5ad
from molpath.pretrain.data import Example, Loader, PairedData, gather, gene_tokens
from molpath.pretrain.distributed import World
from molpath.pretrain.molecular_encoders import RnaEncoder, RnaMlp
from molpath.pretrain.preparation import tokens_by_cohort
from molpath.pretrain.profiles import UnfitProfiles, read_tables
from molpath.pretrain.runs import slides_of
from molpath.pretrain.store import PatchStore

from .cohort import RUN, write_cohort

N = float("nan")


def write(path, names, selected=None, value="log2_tpm_plus_1"):
    data = anndata.AnnData(np.arange(2.0 * len(names), dtype=np.float32).reshape(2, -1))
    data.obs_names, data.var_names = [f"{path.stem}{i}" for i in range(2)], names
    if selected is not None:
        data.var["selected"] = selected
    data.uns["value"] = value
    write_h5ad(path, data)
    return str(path)


def test_each_cohort_keeps_its_own_chosen_genes(tmp_path):
    first = write(tmp_path / "a.h5ad", ["A", "B", "C", "D"], [True, False, True, True])
    second = write(tmp_path / "b.h5ad", ["D", "C", "B"])
    table = read_tables([first, second])
    assert table.uns["value"] == "log2_tpm_plus_1"  # a run's description says it, of one cohort or several
    frame = table.to_df()
    assert set(frame) == {"A", "B", "C", "D"}
    expected = {"A": [0, 4, N, N], "B": [N, N, 2, 5], "C": [2, 6, 1, 4], "D": [3, 7, 0, 3]}
    for gene, values in expected.items():
        np.testing.assert_array_equal(frame[gene], values)


def test_tokens_of_a_profile_are_the_genes_of_its_cohort():
    """Two cohorts of disjoint genes and one shared: nothing of the other's is shown, shorter profiles are padded."""
    values = np.array([[1, N, 2, N], [N, 3, 4, 5]], np.float32)
    tokens, shown = gene_tokens(values, np.array([10, 11, 12, 13]), {"<pad>": 0, "<cls>": 1}, None)
    assert tokens.tolist() == [[1, 10, 12, 0], [1, 11, 12, 13]]
    assert shown.tolist() == [[-2, 1, 2, -2], [-2, 3, 4, 5]]
    columns = np.array([[0, 1, 2], [1, 2, 3]])  # a draw of three, of which the first profile has two
    tokens, _ = gene_tokens(values, np.array([10, 11, 12, 13]), {"<pad>": 0, "<cls>": 1}, columns)
    assert tokens.tolist() == [[1, 10, 12, 0], [1, 11, 12, 13]]


def test_a_draw_takes_genes_that_the_profile_has():
    values = np.full((40, 30), N, np.float32)
    values[:20, :12], values[20:, 10:] = 1, 2
    examples = [Example(f"S{i}", i, i) for i in range(40)]
    data = PairedData(examples, None, values, np.arange(3, 33))
    loader = Loader(
        data, {"genes": 10, "readers": 1, "threads": 1, "processes": 1}, {"<pad>": 0, "<cls>": 1}, ["rna"], World()
    )
    tokens, shown = loader._rna(list(range(40)), list(range(40)), np.random.default_rng(0))
    assert tokens.shape == (40, 11)
    assert set(tokens[:20, 1:].flatten().tolist()) == set(range(3, 15))
    assert set(tokens[20:, 1:].flatten().tolist()) == set(range(13, 33))
    assert (shown[:20, 1:] == 1).all()
    assert (shown[20:, 1:] == 2).all()


def test_genes_of_another_cohort_change_no_embedding():
    """A profile's embedding alone, and next to a longer profile of a larger union, in both kinds of branch."""
    torch.manual_seed(0)
    words = {"<pad>": 0, "<cls>": 1}
    own = np.array([[1.5, 0.5, 3]], np.float32)
    both = np.array([[1.5, 0.5, 3, N, N, N], [N, N, 1, 2, 3, 4]], np.float32)
    for branch in (RnaEncoder(10, 16, 2, 2, 16, output=8), RnaMlp(10, 16, 2, output=8)):
        branch.eval()
        alone = branch(*gene_tokens(own, np.array([2, 3, 4]), words, None))
        beside = branch(*gene_tokens(both, np.arange(2, 8), words, None))
        torch.testing.assert_close(beside[:1], alone, atol=1e-6, rtol=0)


def test_profiles_pass_in_pieces_as_they_do_together(monkeypatch):
    """On a CPU attention is bounded; embeddings and gradients are those of all profiles at once."""
    torch.manual_seed(0)
    branch = RnaEncoder(40, 16, 2, 2, 16, dropout=0.0, output=8)
    values = np.random.default_rng(0).random((6, 30)).astype(np.float32)
    values[3:, 20:] = N
    inputs = gene_tokens(values, np.arange(2, 32), {"<pad>": 0, "<cls>": 1}, None)
    results = []
    for limit in (2**28, 4 * 2 * 31 * 31 * 2):
        monkeypatch.setattr("molpath.pretrain.molecular_encoders.ATTENTION_BYTES", limit)
        branch.zero_grad()
        embeddings = branch(*inputs)
        embeddings.square().sum().backward()
        results.append([embeddings.detach(), *(parameter.grad.clone() for parameter in branch.parameters())])
    for tensor, other in zip(*results, strict=True):
        torch.testing.assert_close(tensor, other, atol=1e-5, rtol=1e-4)


def test_a_profile_without_a_known_gene_is_refused():
    values = np.array([[1, N], [N, N]], np.float32)
    with pytest.raises(UnfitProfiles, match="1 profiles of cohort B have no gene that the vocabulary knows"):
        tokens_by_cohort(values, ["A", "B"])
    assert tokens_by_cohort(values[:1], ["A"]) == {"A": 1}


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
    joined = read_tables(paths)
    assert joined.X.tolist() == [[1, 1, 0], [1, 1, 0], [0, 1, 1], [0, 1, 1]]
    assert "41.7 % of the DNA flags were not observed" in caplog.text


def test_half_of_a_run_is_half_of_the_slides_that_it_reads(tmp_path):
    """Slides paired with the other kind alone take no part in the choice: the run's stamp knows nothing of them."""
    write_cohort(tmp_path)
    pairs = (tmp_path / "pairs.tsv").read_text().splitlines(keepends=True)
    without = {f"S{case}\t" for case in range(6)}
    kept = [line for line in pairs if "\trna\t" not in line or not line.startswith(tuple(without))]
    (tmp_path / "pairs.tsv").write_text("".join(kept))
    store = PatchStore([tmp_path / "patches.npy"], [tmp_path / "index.tsv"])
    rna = read_tables([str(tmp_path / "rna.h5ad")])
    examples = gather(str(tmp_path / "pairs.tsv"), store, ["A"], rna, None, fraction=0.5)
    assert len(examples) == 3
    assert {example.slide_id for example in examples} < set(
        slides_of(RUN | {"modalities": ["rna"]}, str(tmp_path / "pairs.tsv"))
    )


def test_a_paired_profile_that_no_table_holds_is_refused(tmp_path):
    """Its slide would be left out of the run, and nothing would say so."""
    write_cohort(tmp_path)
    store = PatchStore([tmp_path / "patches.npy"], [tmp_path / "index.tsv"])
    rna = read_tables([str(tmp_path / "rna.h5ad")])[[f"P{case}-rna" for case in range(12) if case not in (3, 7)]]
    with pytest.raises(UnfitProfiles, match="2 paired profiles are in no table of the run: P3-rna, P7-rna"):
        gather(str(tmp_path / "pairs.tsv"), store, ["A"], rna, None)
