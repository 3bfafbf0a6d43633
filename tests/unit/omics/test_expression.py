"""Expression: names of genes, salmon and kallisto, frozen fits, chosen genes, going on after a kill, equal bytes."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import open_h5, read_tsv
from molpath.omics import cohort_reading
from molpath.omics.expression import DEFAULTS, normalise_rna
from molpath.omics.genes import GeneTable, genes_of
from molpath.omics.naming import name_genes
from molpath.omics.tables import BadProfile
from molpath.omics.units import WrongUnit

BLANK = {"modality": "rna", "cohort": "A", "format": "matrix", "unit": "counts", "sample_id": "", "panel": ""}


@pytest.fixture(scope="module")
def table(repository):
    return GeneTable(str(repository / "resources/genes/hgnc.tsv"))


def test_names_of_any_age_end_in_the_approved_symbol(table):
    genes = [
        "ENSG00000141510.18",
        "MLL2",
        "SEPT2",
        "TP53",
        "ENSG00000182378.15_PAR_Y",
        "1-Mar",
        "?|100130426",
        "NOVEL1",
    ]
    genes += ["ENSG00000999999.1", "KMT2D|8085"]
    naming = name_genes(genes_of(genes), table)
    assert list(naming.names) == ["TP53", "KMT2D", "SEPTIN2", "TP53", "", "", "", "NOVEL1", "ENSG00000999999", "KMT2D"]
    assert naming.counts == {
        "rows": 10,
        "PAR_Y copies dropped": 1,
        "spreadsheet dates dropped": 1,
        "rows without a name dropped": 1,
        "known to the gene table": 3,
        "symbols brought up to date": 2,
        "not known to the gene table, kept as they stand": 1,
        "Ensembl ids that the gene table lacks": 1,
        "rows of the same gene joined": 2,
    }
    sums = dict(zip(naming.genes, naming.gather(np.arange(10.0), summed=True), strict=True))
    assert sums == {"ENSG00000999999": 8, "KMT2D": 10, "NOVEL1": 7, "SEPTIN2": 2, "TP53": 3}


def test_a_symbol_that_may_mean_several_genes_stays(table):
    """An approved symbol is itself, whatever it is an alias of; an alias of two genes is nobody's."""
    assert table.current("MLL4") == "MLL4"  # an alias of KMT2D, and of KMT2B
    assert all(table.current(symbol) == symbol for symbol in sorted(table.approved)[:2000])


def counts_of(seed, profiles, genes=60):
    rng = np.random.default_rng(seed)
    mean = np.exp(np.random.default_rng(9).normal(4, 1, genes))
    values = rng.negative_binomial(5, 5 / (5 + mean * rng.uniform(0.5, 2, (profiles, 1))))
    return pd.DataFrame(values.T, [f"G{i}" for i in range(genes)], [f"s{i}" for i in range(profiles)])


def rows_of(path, table, **values):
    ids = [{"profile_id": f"P-{s}", "case_id": s, "column": s, "path": str(path)} for s in table.columns]
    return [BLANK | identifier | values for identifier in ids]


def normalise(folder, name, table, reference="", **settings):
    table.to_csv(folder / f"{name}.tsv", sep="\t")
    normalise_rna(
        rows=rows_of(folder / f"{name}.tsv", table, cohort=name),
        output=str(folder / name / "rna.h5ad"),
        losses=str(folder / name / "genes.tsv"),
        fit=str(folder / name / "fit.h5"),
        reference=str(folder / reference / "fit.h5") if reference else "",
        settings=DEFAULTS | settings,
    )
    return anndata.read_h5ad(folder / name / "rna.h5ad")


def test_other_cohorts_take_over_what_was_fitted(tmp_path):
    """Size factors, VST and chosen genes of a test cohort don't depend on who else is in it."""
    first, second = counts_of(1, 30), counts_of(2, 8)
    settings = {"value": "vst", "vst": {"design": "", "genes": 0}}
    first_data = normalise(tmp_path, "A", first, select={"top_sd": 10}, **settings)
    second_data = normalise(tmp_path, "B", second, "A", **settings)
    alone = normalise(tmp_path, "C", second.iloc[::-1, :1], "A", **settings)
    assert first_data.uns["value"] == second_data.uns["value"] == "vst"
    assert first_data.var.selected.sum() == 10
    assert second_data.var.selected.tolist() == alone.var.selected.tolist() == first_data.var.selected.tolist()
    np.testing.assert_allclose(alone.X[0], second_data.X[0], rtol=1e-6)
    assert alone.obs.size_factor.iloc[0] == pytest.approx(second_data.obs.size_factor.iloc[0])
    assert second_data.uns["fitted_on"] == "A"
    np.testing.assert_array_equal(second_data.uns["vst_coefficients"], first_data.uns["vst_coefficients"])
    with open_h5(tmp_path / "A/fit.h5") as handle:
        assert not any("pickle" in str(item.dtype) for item in handle["deseq"].values())


def test_a_design_changes_the_trend(tmp_path):
    counts = counts_of(3, 20)
    counts.iloc[:30, :10] *= 6
    sheet = "case_id\tgroup\n" + "".join(f"s{i}\t{'ab'[i >= 10]}\n" for i in range(20))
    (tmp_path / "cases.tsv").write_text(sheet)
    counts.to_csv(tmp_path / "c.tsv", sep="\t")
    tables = {}
    for design in ("", "~group"):
        normalise_rna(
            rows=rows_of(tmp_path / "c.tsv", counts),
            output=str(tmp_path / "rna.h5ad"),
            losses=str(tmp_path / "genes.tsv"),
            cases=str(tmp_path / "cases.tsv"),
            settings=DEFAULTS | {"value": "vst", "vst": {"design": design, "genes": 0}, "dispersions": True},
        )
        tables[design] = anndata.read_h5ad(tmp_path / "rna.h5ad")
    assert tables["~group"].var.dispersion.median() < 0.7 * tables[""].var.dispersion.median()
    assert not np.allclose(tables[""].X, tables["~group"].X, rtol=0.01)


def test_chosen_genes_and_the_vocabulary_are_counted(tmp_path):
    counts = counts_of(4, 6)
    counts.to_csv(tmp_path / "c.tsv", sep="\t")
    (tmp_path / "list.txt").write_text("# a panel\nG1\nG2\nG3\nNOWHERE\n")
    (tmp_path / "vocab.json").write_text(json.dumps({"<pad>": 0, "G1": 1, "G3": 2, "G9": 3}))
    normalise_rna(
        rows=rows_of(tmp_path / "c.tsv", counts),
        output=str(tmp_path / "rna.h5ad"),
        losses=str(tmp_path / "genes.tsv"),
        settings=DEFAULTS | {"select": {"list": str(tmp_path / "list.txt")}},
        vocabularies={"run": str(tmp_path / "vocab.json")},
    )
    steps = read_tsv(tmp_path / "genes.tsv").set_index("step").genes.to_dict()
    assert steps["in the given list"] == "4"
    assert steps["selected"] == "3"
    assert steps["selected and in the vocabulary of run run"] == "2"
    data = anndata.read_h5ad(tmp_path / "rna.h5ad")
    assert data.var_names[data.var.selected].tolist() == ["G1", "G2", "G3"]
    assert data.shape == (6, 60)


def test_a_killed_job_resumes_and_ends_with_the_same_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(cohort_reading, "COLUMNS_A_BLOCK", 4)
    counts = counts_of(5, 12)
    normalise(tmp_path, "A", counts)
    output = tmp_path / "A/rna.h5ad"
    whole = output.read_bytes()
    output.unlink()
    read, calls = cohort_reading.read_rows, []

    def stop_at_the_third(rows, reading):
        calls.append(len(rows))
        if len(calls) == 3:
            raise KeyboardInterrupt
        return read(rows, reading)

    def again():
        rows = rows_of(tmp_path / "A.tsv", counts, cohort="A")
        normalise_rna(rows=rows, output=str(output), losses=str(tmp_path / "genes.tsv"))

    monkeypatch.setattr(cohort_reading, "read_rows", stop_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        again()
    again()
    assert len(calls) == 4  # three blocks, of which two were there the second time
    assert output.read_bytes() == whole
    assert not (tmp_path / "A/.reading").exists()
    (tmp_path / "A.tsv").touch()  # as if the file had changed
    calls[:] = [0] * 3
    again()
    assert len(calls) == 6


def test_salmon_and_kallisto_are_summed_to_genes(tmp_path):
    transcripts = ["ENST01.1", "ENST02.3", "ENST03.1"]
    tpm, counts = [2e5, 3e5, 5e5], [10.4, 20.4, 7.0]
    (tmp_path / "t2g.tsv").write_text(
        "transcript\tgene\tsymbol\nENST01\tENSG1\tAA\nENST02\tENSG1\tAA\nENST03\tENSG2\tBB\n"
    )
    (tmp_path / "salmon").mkdir()
    (tmp_path / "kallisto").mkdir()
    lines = [f"{t}\t100\t90\t{a}\t{b}" for t, a, b in zip(transcripts, tpm, counts, strict=True)]
    (tmp_path / "salmon/quant.sf").write_text(
        "\n".join(["Name\tLength\tEffectiveLength\tTPM\tNumReads", *lines]) + "\n"
    )
    lines = [
        f"{t}|{g}|-|-|{s}-1|{s}|100|\t100\t90\t{b}\t{a}"
        for t, g, s, a, b in zip(
            transcripts, ["ENSG1.1"] * 2 + ["ENSG2.1"], ["AA", "AA", "BB"], tpm, counts, strict=True
        )
    ]
    (tmp_path / "kallisto/abundance.tsv").write_text(
        "\n".join(["target_id\tlength\teff_length\test_counts\ttpm", *lines])
    )
    for name, path, transcripts in (("salmon", "salmon", str(tmp_path / "t2g.tsv")), ("kallisto", "kallisto", "")):
        row = BLANK | {"profile_id": "P", "case_id": "P", "column": "", "path": str(tmp_path / path), "format": name}
        normalise_rna(
            rows=[row | {"unit": ""}],
            output=str(tmp_path / "rna.h5ad"),
            losses=str(tmp_path / "genes.tsv"),
            settings=DEFAULTS | {"transcripts": transcripts},
        )
        data = anndata.read_h5ad(tmp_path / "rna.h5ad")
        assert list(data.var_names) == ["AA", "BB"]
        np.testing.assert_allclose(data.X[0], np.log2([5e5 + 1, 5e5 + 1]), rtol=1e-6)
        assert data.layers["counts"].tolist() == [[31, 7]]
    with pytest.raises(BadProfile, match="set omics/transcripts"):
        normalise_rna(
            rows=[row | {"format": "salmon", "path": str(tmp_path / "salmon")}],
            output="o",
            losses="l",
            settings=DEFAULTS,
        )


def test_stranded_counts_come_without_tpm(tmp_path):
    lines = ["gene_id\tgene_name\tgene_type\tunstranded\tstranded_first\tstranded_second\ttpm_unstranded"]
    lines += ["ENSG1.1\tAA\tx\t9\t4\t5\t400000", "ENSG2.1\tBB\tx\t9\t1\t8\t600000"]
    (tmp_path / "s.tsv").write_text("\n".join(lines) + "\n")
    row = BLANK | {
        "profile_id": "P",
        "case_id": "P",
        "column": "",
        "path": str(tmp_path / "s.tsv"),
        "format": "gdc_star",
    }
    read = {}
    for column in ("unstranded", "stranded_second"):
        normalise_rna(
            rows=[row],
            output=str(tmp_path / "o.h5ad"),
            losses=str(tmp_path / "l.tsv"),
            settings=DEFAULTS | {"star_column": column},
        )
        data = anndata.read_h5ad(tmp_path / "o.h5ad")
        read[column] = (data.uns["value"], data.layers["counts"][0].tolist())
    assert read == {"unstranded": ("log2_tpm_plus_1", [9, 9]), "stranded_second": ("log2_cpm_plus_1", [5, 8])}


@pytest.mark.parametrize("unit", ["tpm", "estimated_counts", "zscore"])
def test_a_star_file_in_another_unit_is_refused(tmp_path, unit):
    (tmp_path / "s.tsv").write_text("gene_id\tgene_name\tgene_type\tunstranded\nENSG1.1\tAA\tx\t9\n")
    row = BLANK | {
        "profile_id": "P",
        "case_id": "P",
        "column": "",
        "path": str(tmp_path / "s.tsv"),
        "format": "gdc_star",
    }
    with pytest.raises(BadProfile, match=f"unit '{unit}', but a STAR - Counts file holds counts"):
        normalise_rna(rows=[row | {"unit": unit}], output="o", losses="l")


def test_a_unit_that_is_not_given_is_guessed_in_the_message(tmp_path):
    counts = counts_of(6, 2)
    counts.to_csv(tmp_path / "c.tsv", sep="\t")
    with pytest.raises(WrongUnit, match="column unit is empty; the values look like counts"):
        normalise_rna(rows=rows_of(tmp_path / "c.tsv", counts, unit=""), output=str(tmp_path / "o"), losses="l")


def test_cohorts_that_share_no_names_or_units_are_refused(tmp_path):
    first, other = counts_of(7, 2), counts_of(8, 2)
    other.index = [f"H{i}" for i in range(60)]
    other.columns = ["t0", "t1"]
    first.to_csv(tmp_path / "one.tsv", sep="\t")
    other.to_csv(tmp_path / "other.tsv", sep="\t")
    rows = rows_of(tmp_path / "one.tsv", first) + rows_of(tmp_path / "other.tsv", other)
    with pytest.raises(BadProfile, match="only 0 genes are in every profile .* same kind of gene names"):
        normalise_rna(rows=rows, output=str(tmp_path / "o"), losses="l")
    (other / other.sum() * 1e6).set_axis(first.index).to_csv(tmp_path / "other.tsv", sep="\t")
    rows = rows_of(tmp_path / "one.tsv", first) + rows_of(tmp_path / "other.tsv", other, unit="tpm")
    with pytest.raises(BadProfile, match=r"in incompatible units \(counts; tpm\)"):
        normalise_rna(rows=rows, output=str(tmp_path / "o"), losses="l")
