"""Copy-number tables in which a gene stands several times, under one name, an old and a new one, or none."""

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.omics.copy_numbers import CopyNames, one_row_a_gene, read_absolute, read_copy_numbers
from molpath.omics.flags import flag_dna
from molpath.omics.genes import GeneTable
from molpath.omics.tables import BadProfile

HEAD = "Hugo_Symbol\tEntrez_Gene_Id\tA\tB\tC\n"


@pytest.fixture(scope="module")
def names(repository):
    return str(repository / "resources/genes/hgnc.tsv")


def row(case, path, form="cbioportal_cna"):
    blank = {"modality": "dna", "cohort": "A", "unit": "", "sample_id": "", "panel": "", "column": ""}
    return blank | {"profile_id": case, "case_id": case, "format": form, "path": str(path)}


def flags(folder, repository, rows, gene_table=""):
    """Flags that are set and genes whose copies were looked for, by profile; losses by step."""
    flag_dna(
        rows=rows,
        consequences=str(repository / "resources/consequences/consequences.tsv"),
        output=str(folder / "dna.h5ad"),
        losses=str(folder / "losses.tsv"),
        gene_table=gene_table,
    )
    data = anndata.read_h5ad(folder / "dna.h5ad")
    frame, looked = data.to_df(), pd.DataFrame(data.layers["observed"], data.obs_names, data.var_names)
    on = {name: sorted(frame.columns[frame.loc[name] == 1]) for name in frame.index}
    genes = {name: sorted(g for g in set(data.var.gene) if looked.loc[name, f"{g}:loss"]) for name in frame.index}
    return on, genes, read_tsv(folder / "losses.tsv").set_index("step")["count"].astype(int).to_dict()


def joined(path, gene_table=""):
    return one_row_a_gene(str(path), read_copy_numbers(str(path)), CopyNames(GeneTable(gene_table)))


def test_a_row_for_losses_and_one_for_gains_lose_nothing(tmp_path, repository):
    """The first row won: ERBB2's amplification was lost without a word."""
    (tmp_path / "c.txt").write_text(HEAD + "TP53\t7157\t-2\t0\t0\nERBB2\t2064\t0\t0\t-1\nERBB2\t2064\t2\t1\t0\n")
    on, _, losses = flags(tmp_path, repository, [row(case, tmp_path / "c.txt") for case in "ABC"])
    assert on == {"A": ["ERBB2:amplification", "TP53:two_copy_deletion"], "B": ["ERBB2:gain"], "C": ["ERBB2:loss"]}
    assert losses["rows of copy numbers joined with another of the same gene, or without a gene"] == 1


def test_the_shared_case_keeps_the_amplification(tmp_path, repository, names, shared_data):
    folder = shared_data.parent / "cases/11-cna-duplicates"
    if not folder.is_dir():
        pytest.skip(f"the folder of cases is absent: {folder}")
    cases = [f"TCGA-AA-000{i}" for i in (1, 2, 3)]
    on, _, _ = flags(tmp_path, repository, [row(case, folder / "dups988.txt") for case in cases], names)
    assert on[cases[0]] == ["ERBB2:amplification", "TP53:two_copy_deletion"]
    assert on[cases[2]] == ["ERBB2:loss"]
    with pytest.raises(BadProfile, match="no gene has a variant or copy number"):  # its one gene contradicts itself
        flags(tmp_path, repository, [row(cases[0], folder / "oldnew.txt")], names)
    on, _, _ = flags(tmp_path, repository, [row(case, folder / "nahugo.txt") for case in cases], names)
    assert on == dict(zip(cases, (["TP53:two_copy_deletion"], [], ["TP53:gain"]), strict=True))


def test_old_and_new_symbol_are_one_gene(tmp_path, repository, names):
    """A case had KMT2D:loss and KMT2D:amplification at once."""
    (tmp_path / "c.txt").write_text(HEAD + "MLL2\t8085\t-1\t0\t1\nKMT2D\t8085\t2\t2\t1\nTP53\t7157\t-1\t-1\t-1\n")
    on, looked, losses = flags(tmp_path, repository, [row(case, tmp_path / "c.txt") for case in "ABC"], names)
    assert on == {
        "A": ["TP53:loss"], "B": ["KMT2D:amplification", "TP53:loss"], "C": ["KMT2D:gain", "TP53:loss"],
    }  # fmt: skip
    assert looked == {"A": ["TP53"], "B": ["KMT2D", "TP53"], "C": ["KMT2D", "TP53"]}  # contradicted: missing
    assert losses["copy numbers of genes whose rows contradict each other, taken as missing"] == 1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_of_rows_does_not_matter(tmp_path, order):
    rows = ["G\t5\t-2\t0\tNA\n", "G\t5\t-1\t-1\t1\n"]
    (tmp_path / "c.txt").write_text(HEAD + "".join(rows[i] for i in order))
    assert joined(tmp_path / "c.txt").values.loc["G"].tolist() == [-2, -1, 1]


def test_different_genes_under_one_name_are_missing_where_they_differ(tmp_path):
    (tmp_path / "c.txt").write_text(HEAD + "G\t5\t0\t1\tNA\nG\t6\t2\t1\t-1\nH\t7\t0\t0\t0\n")
    copies = joined(tmp_path / "c.txt")
    np.testing.assert_array_equal(copies.values.loc["G"], [np.nan, 1, -1])
    assert copies.doubted.loc["G"].tolist() == [True, False, False]
    assert list(copies.doubted.index) == ["G"]


@pytest.mark.parametrize("name", ["NA", "", "NaN", "null", "."])
def test_a_row_without_a_name_sets_no_flag(tmp_path, repository, names, name):
    """NA is an alias of XK."""
    (tmp_path / "c.txt").write_text(HEAD + f"TP53\t7157\t-2\t0\t1\n{name}\t999\t2\t2\t2\n")
    on, looked, losses = flags(tmp_path, repository, [row(case, tmp_path / "c.txt") for case in "ABC"], names)
    assert on == {"A": ["TP53:two_copy_deletion"], "B": [], "C": ["TP53:gain"]}
    assert set(map(tuple, looked.values())) == {("TP53",)}
    assert losses["rows of copy numbers joined with another of the same gene, or without a gene"] == 1


def test_two_files_of_a_profile_are_joined_by_the_same_rule(tmp_path, repository):
    (tmp_path / "a.txt").write_text(HEAD + "G\t1\t1\t-1\t0\nH\t2\t1\t1\t1\n")
    (tmp_path / "b.txt").write_text("Gene Symbol\tLocus ID\tCytoband\tA\tB\tC\nG\t1\t1p\t2\t1\t0\nI\t3\t1p\t0\t0\t-1\n")
    rows = [row(case, tmp_path / f"{name}.txt", form) for case in "ABC" for name, form in
            (("a", "cbioportal_cna"), ("b", "gistic"))]  # fmt: skip
    on, looked, losses = flags(tmp_path, repository, rows)
    assert on == {"A": ["G:amplification", "H:gain"], "B": ["H:gain"], "C": ["H:gain", "I:loss"]}
    assert looked["B"] == ["H", "I"]
    assert losses["copy numbers of genes whose rows contradict each other, taken as missing"] == 1


def test_genes_of_one_name_on_several_chromosomes(tmp_path):
    """GDC's tables hold hundreds of genes called Y_RNA, and PAR genes on X and Y."""
    lines = [
        "ENSG00000000001.1\tY_RNA\tchr1\t1\t10\t2", "ENSG00000000002.1\tY_RNA\tchr2\t1\t10\t0",
        "ENSG00000000003.1\tLONG\tchr3\t1\t100000\t2", "ENSG00000205755.11\tCRLF2\tchrX\t1\t10\t2",
        "ENSG00000205755.11_PAR_Y\tCRLF2\tchrY\t1\t10\t0", "ENSG00000000004.1\tSRY\tchrY\t1\t10\t0",
    ]  # fmt: skip
    (tmp_path / "c.tsv").write_text(
        "gene_id\tgene_name\tchromosome\tstart\tend\tcopy_number\n" + "".join(line + "\n" for line in lines)
    )
    copies = one_row_a_gene("c.tsv", read_absolute(str(tmp_path / "c.tsv"), "P"), CopyNames(GeneTable()))
    assert copies.values["P"].dropna().to_dict() == {"LONG": 0}  # no woman lacks CRLF2 or SRY
    assert copies.doubted["P"].to_dict() == {"Y_RNA": True}


def test_a_table_without_a_gene_is_refused(tmp_path):
    (tmp_path / "c.txt").write_text(HEAD + "NA\t1\t0\t0\t0\n")
    with pytest.raises(BadProfile, match=r"c\.txt: no row has a usable gene name"):
        joined(tmp_path / "c.txt")
