"""Genes of MAFs, copy numbers and lists pass the same gate as those of expression."""

import logging

import anndata
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.omics.flags import flag_dna
from molpath.omics.genes import GeneTable
from molpath.omics.selection import listed_genes
from molpath.omics.tables import BadProfile

BLANK = {"modality": "dna", "cohort": "A", "unit": "", "sample_id": "", "panel": "", "column": ""}
REAL = ["TP53", "KRAS", "PIK3CA", "BRAF", "EGFR"]
NO_GENES = ["NA", "", "Unknown", ".", "None", "-", "1-Mar", "2023-09-02 00:00:00", "43891", "1. Mrz", "12"]


@pytest.fixture
def flags(tmp_path, repository):
    """Flags that are set, by profile, and counts."""

    def flags(rows, as_given=False, **options):
        flag_dna(
            rows=rows,
            consequences=str(repository / "resources/consequences/consequences.tsv"),
            gene_table="" if as_given else str(repository / "resources/genes/hgnc.tsv"),
            output=str(tmp_path / "dna.h5ad"),
            losses=str(tmp_path / "losses.tsv"),
            **options,
        )
        frame = anndata.read_h5ad(tmp_path / "dna.h5ad").to_df()
        counts = read_tsv(tmp_path / "losses.tsv").set_index("step")["count"].astype(int).to_dict()
        return {name: sorted(frame.columns[frame.loc[name] == 1]) for name in frame.index}, counts

    return flags


def maf_of(path, genes, case="C1"):
    lines = [f"{gene}\tMissense_Mutation\t{case}" for gene in genes]
    path.write_text("\n".join(["Hugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode", *lines]) + "\n")
    return [BLANK | {"profile_id": case, "case_id": case, "format": "maf", "path": str(path)}]


def copies_of(path, genes, values=(2, -2)):
    cells = "\t".join(map(str, values))
    lines = [f"{gene}\t{cells}" for gene in genes]
    path.write_text("\n".join(["Hugo_Symbol\tC1\tC2", *lines]) + "\n")
    row = BLANK | {"format": "cbioportal_cna", "path": str(path)}
    return [row | {"profile_id": case, "case_id": case} for case in ("C1", "C2")]


@pytest.mark.parametrize("as_given", [False, True])
def test_variants_of_no_gene_set_no_flag(as_given, flags, tmp_path):
    """NA was counted for XK, and 1-Mar was a gene."""
    wrong = NO_GENES[:-1] if as_given else NO_GENES
    on, counts = flags(maf_of(tmp_path / "m.maf", [*REAL[:2], *wrong, *REAL[2:]]), as_given)
    assert on == {"C1": sorted(f"{gene}:small_coding" for gene in REAL)}
    assert counts["variants without a gene, left out"] == 6
    assert counts["variants of spreadsheet dates, left out"] == 4
    assert counts.get("variants of numbers in place of genes, left out", 0) == (not as_given)
    assert counts["variants: Missense_Mutation -> small_coding"] == len(REAL)


def test_copy_numbers_of_no_gene_set_no_flag(flags, tmp_path):
    on, _ = flags(copies_of(tmp_path / "c.txt", [*NO_GENES, *REAL]))
    assert on == {
        "C1": sorted(f"{gene}:amplification" for gene in REAL),
        "C2": sorted(f"{gene}:two_copy_deletion" for gene in REAL),
    }


def test_names_of_any_age_and_kind_are_one_gene(flags, tmp_path):
    on, counts = flags(maf_of(tmp_path / "m.maf", ["MLL2", "KMT2D|8085", "ENSG00000141510.18", "TP53", "SEPT2"]))
    assert on == {"C1": ["KMT2D:small_coding", "SEPTIN2:small_coding", "TP53:small_coding"]}
    assert counts["names of genes in files of mutations: symbols brought up to date"] == 2


def test_entrez_ids_of_copy_numbers_are_translated(flags, tmp_path):
    """Flags were called 7157:two_copy_deletion, and with a list of genes all were missing."""
    (tmp_path / "list.txt").write_text("TP53\nERBB2\n")
    on, _ = flags(copies_of(tmp_path / "c.txt", ["7157", "2064"]), genes=str(tmp_path / "list.txt"))
    assert on["C1"] == ["ERBB2:amplification", "TP53:amplification"]


@pytest.mark.parametrize("maker", [maf_of, copies_of])
def test_genes_of_another_species_and_numbers_of_rows_stop(maker, flags, tmp_path):
    with pytest.raises(BadProfile, match="f.txt: only 0 of 3 names are of human genes.*mouse"):
        flags(maker(tmp_path / "f.txt", ["Trp53", "Kras", "Pik3ca"]))
    with pytest.raises(BadProfile, match="f.txt: the genes are numbered from 0 and have no names"):
        flags(maker(tmp_path / "f.txt", ["0", "1", "2"]))


def test_the_share_is_that_of_all_files_of_mutations(flags, tmp_path):
    """A case's own MAF may hold one variant, in a gene that no table knows."""
    rows = maf_of(tmp_path / "a.maf", ["NOVEL1"]) + maf_of(tmp_path / "b.maf", REAL, "C2")
    on, counts = flags(rows)
    assert on["C1"] == ["NOVEL1:small_coding"]
    assert counts["names of genes in files of mutations: not known to the gene table, kept as they stand"] == 1


def test_lists_of_genes_pass_the_gate(tmp_path, repository, caplog):
    table, path = GeneTable(str(repository / "resources/genes/hgnc.tsv")), tmp_path / "list.txt"
    path.write_text("# panel\nTP53\nMLL2\nKMT2D\nNA\n1-Mar\nENSG00000146648.20\nNOVEL1\n")
    with caplog.at_level(logging.WARNING):
        assert listed_genes(str(path), table) == ["TP53", "KMT2D", "EGFR", "NOVEL1"]
    assert "2 of 7 lines name no gene: NA, 1-Mar" in caplog.text
    assert "1 of 7 genes are not in the gene table: NOVEL1" in caplog.text
    path.write_text("Trp53\nKras\nTP53\n")
    with pytest.raises(BadProfile, match="list.txt: only 1 of 3 names are of human genes"):
        listed_genes(str(path), table)
    path.write_text("# nothing yet\n")
    with pytest.raises(BadProfile, match="no gene in this list"):
        listed_genes(str(path), table)


@pytest.mark.parametrize("name", ["nahugo.txt", "entrezonly.txt"])
def test_reported_copy_numbers(name, flags, shared_data):
    path = shared_data.parent / "cases/11-cna-duplicates" / name
    if not path.is_file():
        pytest.skip("needs ../shared/cases")
    samples = pd.read_csv(path, sep="\t", nrows=1).columns[-3:]
    row = BLANK | {"format": "cbioportal_cna", "path": str(path)}
    on, _ = flags([row | {"profile_id": sample, "case_id": sample[:12], "column": sample} for sample in samples])
    expected = ["TP53:two_copy_deletion"] if name == "nahugo.txt" else ["ERBB2:amplification", "TP53:two_copy_deletion"]
    assert on[samples[0]] == expected
