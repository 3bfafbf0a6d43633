"""Omics: units that must fit, readers against each other, DESeq2's size factors, flags, pairs and leaks."""

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.omics.expression import normalise_rna
from molpath.omics.flags import FLAGS, flag_dna
from molpath.omics.leakage import Leakage
from molpath.omics.pairs import pair_slides
from molpath.omics.tables import BadProfile
from molpath.omics.units import WrongUnit, check_unit


@pytest.fixture
def consequences(repository):
    return str(repository / "resources/consequences/consequences.tsv")


def profile(name, path, form="matrix", unit="tpm", column="", modality="rna"):
    row = {"profile_id": name, "case_id": name[:2], "modality": modality, "cohort": "A", "format": form}
    return row | {"path": str(path), "column": column, "unit": unit, "sample_id": "", "panel": ""}


@pytest.mark.parametrize(
    ("values", "unit", "words"),
    [
        ([0.5, 3.2, 11.0], "counts", "they look like logarithms"),
        ([0.5, 300.2], "counts", "they look like TPM"),
        ([10.0, 20.0], "tpm", "must sum to a million"),
        ([5.0, 200.0], "log2_tpm_plus_1", "don't reach 30"),
        ([-9.9658, 2.0], "log2_tpm_plus_1", "log2_tpm_plus_0.001"),
        ([1.0, 2.0], "zscore", "around zero"),
    ],
)
def test_a_wrong_unit_is_reported_with_numbers(values, unit, words):
    with pytest.raises(WrongUnit, match="f.tsv: values from") as error:
        check_unit(np.array(values), unit, "f.tsv")
    assert words in str(error.value)


def expression(seed=0):
    rng = np.random.default_rng(seed)
    tpm = rng.gamma(0.5, 100, (50, 4)) + 0.01
    return pd.DataFrame(
        tpm / tpm.sum(0) * 1e6, index=[f"G{i:02d}" for i in range(50)], columns=["c1", "c2", "c3", "c4"]
    )


def test_every_format_of_the_same_values_gives_the_same_table(tmp_path):
    table = expression()
    table.to_csv(tmp_path / "genes.tsv", sep="\t")
    table.T.to_csv(tmp_path / "samples.tsv.gz", sep="\t")
    np.log2(table + 0.001).to_csv(tmp_path / "xena.tsv", sep="\t", index_label="sample")
    with open(tmp_path / "x.gct", "w") as handle:
        handle.write("#1.2\n50\t4\n")
        gct = table.copy()
        gct.insert(0, "Description", table.index)
        gct.index = [f"ENSG{i:011d}.3" for i in range(50)]
        gct.to_csv(handle, sep="\t", index_label="Name")
    tables = {}
    for name, form, unit in [
        ("genes.tsv", "matrix", "tpm"),
        ("samples.tsv.gz", "matrix", "tpm"),
        ("xena.tsv", "xena", "log2_tpm_plus_0.001"),
        ("x.gct", "gct", "tpm"),
    ]:
        rows = [profile(f"P{i}", tmp_path / name, form, unit, f"c{i}") for i in (1, 2, 3, 4)]
        normalise_rna(rows=rows, output=str(tmp_path / "out.h5ad"), losses=str(tmp_path / "l.tsv"))
        tables[name] = anndata.read_h5ad(tmp_path / "out.h5ad").to_df()
    for name, values in tables.items():
        np.testing.assert_allclose(values, np.log2(table.T + 1), atol=2e-4, err_msg=name)


def star_file(path, counts, tpm):
    lines = [
        "# gene-model: GENCODE v36",
        "\t".join(["gene_id", "gene_name", "gene_type", "unstranded", "tpm_unstranded"]),
    ]
    lines += ["N_unmapped\t\t\t5\t", "N_ambiguous\t\t\t7\t"]
    names = [("ENSG1.4", "AA"), ("ENSG2.1", "BB"), ("ENSG3.9", "BB"), ("ENSG4.2_PAR_Y", "DD"), ("ENSG5.1", "MT-X")]
    for (gene, symbol), c, t in zip(names, counts, tpm, strict=True):
        lines.append(f"{gene}\t{symbol}\tprotein_coding\t{c}\t{t}")
    path.write_text("\n".join(lines) + "\n")


def test_star_counts(tmp_path):
    star_file(tmp_path / "a.tsv", [10, 20, 30, 5, 40], [1e5, 2e5, 3e5, 0, 4e5])
    star_file(tmp_path / "b.tsv", [20, 40, 60, 5, 80], [1e5, 2e5, 3e5, 0, 4e5])
    rows = [
        profile("P1", tmp_path / "a.tsv", "gdc_star", "counts"),
        profile("P2", tmp_path / "b.tsv", "gdc_star", "counts"),
    ]
    normalise_rna(rows=rows, output=str(tmp_path / "o.h5ad"), losses=str(tmp_path / "l.tsv"))
    data = anndata.read_h5ad(tmp_path / "o.h5ad")
    assert list(data.var_names) == ["AA", "BB", "MT-X"]
    np.testing.assert_allclose(data.X[0], np.log2([1e5 + 1, 5e5 + 1, 4e5 + 1]), rtol=1e-6)
    assert data.layers["counts"].tolist() == [[10, 50, 40], [20, 100, 80]]
    assert data.obs.percent_mito.tolist() == [40, 40]
    assert data.obs.size_factor.iloc[1] / data.obs.size_factor.iloc[0] == pytest.approx(2)


def test_unknown_sample_is_named(tmp_path):
    expression().to_csv(tmp_path / "x.tsv", sep="\t")
    with pytest.raises(BadProfile, match="no sample zz; the file has c1, c2"):
        normalise_rna(rows=[profile("P1", tmp_path / "x.tsv", column="zz")], output="o", losses="l")


def write_maf(path, rows):
    head = "#version gdc-1.0.0\nHugo_Symbol\tVariant_Classification\tTumor_Sample_Barcode\tHGVSp_Short\n"
    path.write_text(head + "".join("\t".join(row) + "\tp.#1\n" for row in rows))


def test_flags_of_a_small_cohort(tmp_path, consequences):
    write_maf(
        tmp_path / "m.maf",
        [("TP53", "Missense_Mutation", "a"), ("TP53", "Nonsense_Mutation", "a"), ("KRAS", "Silent", "b")],
    )
    (tmp_path / "g.txt").write_text("Gene Symbol\tLocus ID\tCytoband\ta\tb\nTP53\t1\tx\t-2\t0\nMYC|chr8\t2\ty\t2\t1\n")
    rows = []
    for name in "ab":
        rows.append(profile(f"P{name}", tmp_path / "m.maf", "maf", "", name, "dna"))
        rows.append(profile(f"P{name}", tmp_path / "g.txt", "gistic", "", name, "dna"))
    rows.append(profile("Pc", tmp_path / "m.maf", "maf", "", "c", "dna"))
    flag_dna(rows=rows, consequences=consequences, output=str(tmp_path / "d.h5ad"))
    data = anndata.read_h5ad(tmp_path / "d.h5ad").to_df()
    assert data.shape == (3, 2 * len(FLAGS))
    on = {name: sorted(data.columns[data.loc[name] == 1]) for name in data.index}
    assert on["Pa"] == ["MYC:amplification", "TP53:large_coding", "TP53:small_coding", "TP53:two_copy_deletion"]
    assert on["Pb"] == ["MYC:gain"]
    assert on["Pc"] == []  # sequenced, no variant


@pytest.fixture
def paired(tmp_path):
    """Two cohorts of expression, a table of slides, a task."""
    table = expression()
    for cohort in "AB":
        rows = [
            profile(f"{cohort}{i}", tmp_path / f"{cohort}.tsv", column=f"c{i}") | {"cohort": cohort} for i in (1, 2, 3)
        ]
        (table * (1 if cohort == "A" else 1)).sample(frac=1, random_state=ord(cohort)).to_csv(
            tmp_path / f"{cohort}.tsv", sep="\t"
        )
        normalise_rna(rows=rows, output=str(tmp_path / f"{cohort}.h5ad"), losses=str(tmp_path / "l"))
    slides = ["slide_id\tcase_id\tcohort\tstatus\treason\tduplicate_of"]
    slides += ["s1\tA1\tA\tok\t\t", "s2\tA2\tA\tset_aside\tblank\t", "s3\tA9\tA\tok\t\t"]
    slides += ["s4\tA3\tA\tok\t\ts1", "s5\tB1\tB\tok\t\t"]
    (tmp_path / "slides.tsv").write_text("\n".join(slides) + "\n")
    return tmp_path


def pair(folder, split, whole=()):
    (folder / "k=all.tsv").write_text(split)
    pair_slides(
        slides=str(folder / "slides.tsv"),
        tables=[str(folder / "A.h5ad"), str(folder / "B.h5ad")],
        splits={"x--y": str(folder / "k=all.tsv")},
        runs={"run": {"cohorts": ["A"], "modalities": ["rna", "dna"]}},
        pairs=str(folder / "pairs.tsv"),
        leakage=str(folder / "leakage.tsv"),
        whole=whole,
    )


def test_every_slide_and_profile_left_out_has_a_reason(paired):
    pair(paired, "case_id\tslide_id\ty\tfold_0\nA1\ts1\t0\ttrain\n")
    table = read_tsv(paired / "pairs.tsv")
    reasons = dict(zip(table.slide_id + table.profile_id, table.reason, strict=True))
    assert reasons["s1A1"] == reasons["s5B1"] == ""
    assert reasons["s2"] == "slide_set_aside"
    assert reasons["s3"] == "no_profile"
    assert reasons["s4"] == "duplicate_slide"
    assert reasons["A3"] == "no_slide"
    leaks = read_tsv(paired / "leakage.tsv")
    assert (leaks.case_id + leaks.action).tolist()[:1] == ["A1listed"]
    assert "expression profile B1 equals A1 of case A1" in set(leaks.detail)


def test_pretraining_case_on_a_test_side_is_an_error(paired):
    with pytest.raises(Leakage, match="case A1, task x--y, fold_0: run run trains on it"):
        pair(paired, "case_id\tslide_id\ty\tfold_0\nA1\ts1\t0\ttest\n")


@pytest.mark.parametrize("split", ["case_id\tslide_id\ty\nA3\ts4\t0\n", "case_id\ty\tfold_0\nA3\t0\ttrain\n"])
def test_every_case_of_a_transfer_is_tested_whatever_its_folds_say(split, paired):
    with pytest.raises(Leakage, match="case A3, task x--y, all: run run trains on A1, the same slide"):
        pair(paired, split, whole=["x--y"])


def test_case_of_a_duplicate_slide_on_a_test_side_is_an_error(paired):
    with pytest.raises(Leakage, match="case A3, task x--y, fold_0: run run trains on A1, the same slide"):
        pair(paired, "case_id\tslide_id\ty\tfold_0\nA3\ts4\t0\ttest\n")
