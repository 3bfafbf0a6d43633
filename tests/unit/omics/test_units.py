"""Units: what the numbers contradict is refused with what they look like, or accepted on request and noted."""

import logging

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.omics.expression import normalise_rna
from molpath.omics.units import UNITS, WrongUnit, check_unit, guess_unit, to_kind

GENES = 20_000


def expression(seed=1, genes=GENES):
    """TPM of a profile: many weak genes, some without any, few strong ones; they sum to a million."""
    rng = np.random.default_rng(seed)
    values = np.exp(rng.normal(0, 3, genes)) * (rng.random(genes) > 0.2)
    return values / values.sum() * 1e6


TPM = expression()
COUNTS = np.random.default_rng(2).poisson(TPM * 20).astype(float)
ZSCORES = np.random.default_rng(3).normal(0, 1, GENES)
CORRECTED = np.where(np.arange(GENES) % 100 == 0, -1.5, TPM * 17.3 + 3.1)  # RSEM after a correction of batches

#: What numbers are, by the unit that is right for them.
RIGHT = {
    "counts": COUNTS,
    "estimated_counts": COUNTS + 0.25,
    "log2_counts_plus_1": np.log2(COUNTS + 1),
    "tpm": TPM,
    "log2_tpm_plus_1": np.log2(TPM + 1),
    "log2_tpm_plus_0.001": np.log2(TPM + 0.001),
    "ln_tpm_plus_1": np.log1p(TPM),
    "log10_tpm_plus_1": np.log10(TPM + 1),
    "fpkm": TPM / 3,
    "log2_fpkm_plus_1": np.log2(TPM / 3 + 1),
    "log2_fpkm_plus_0.001": np.log2(TPM / 3 + 0.001),
    "cpm": COUNTS / COUNTS.sum() * 1e6,
    "log2_cpm_plus_1": np.log2(COUNTS / COUNTS.sum() * 1e6 + 1),
    "norm_count": CORRECTED,
    "log2_norm_count_plus_1": np.log2(TPM * 17.3 + 1),
    "zscore": ZSCORES,
}


@pytest.mark.parametrize("unit", UNITS)
def test_right_units_pass_in_every_precision_that_files_have(unit):
    for digits in (2, 4, 12):
        assert "unchecked" not in check_unit(RIGHT[unit].round(digits), unit, "f.tsv")


WRONG = [
    ("counts", "fpkm", "counts"),
    ("counts", "norm_count", "counts"),
    ("counts", "cpm", "counts"),
    ("counts", "tpm", "counts"),
    ("counts", "log2_tpm_plus_1", "counts"),
    ("counts", "zscore", "counts"),
    ("tpm", "counts", "tpm"),
    ("tpm", "zscore", "tpm"),
    ("fpkm", "tpm", "FPKM"),
    ("log2_tpm_plus_1", "log2_tpm_plus_0.001", "log2_tpm_plus_1"),
    ("log2_fpkm_plus_1", "log2_fpkm_plus_0.001", "logarithms"),
    ("log2_tpm_plus_0.001", "log2_tpm_plus_1", "log2_tpm_plus_0.001"),
    ("log2_tpm_plus_1", "fpkm", "log2_tpm_plus_1"),
    ("log2_tpm_plus_1", "norm_count", "log2_tpm_plus_1"),
    ("log2_tpm_plus_1", "log2_counts_plus_1", "log2_tpm_plus_1"),
    ("log2_tpm_plus_1", "estimated_counts", "log2_tpm_plus_1"),
    ("ln_tpm_plus_1", "log2_tpm_plus_1", "ln_tpm_plus_1"),
    ("log10_tpm_plus_1", "log2_tpm_plus_1", "log10_tpm_plus_1"),
    ("log2_norm_count_plus_1", "log2_tpm_plus_1", "logarithms"),
    ("log2_norm_count_plus_1", "log2_counts_plus_1", "logarithms"),
    ("log2_norm_count_plus_1", "log2_cpm_plus_1", "logarithms"),
    ("zscore", "tpm", "zscore"),
    ("zscore", "norm_count", "zscore"),
    ("zscore", "log2_fpkm_plus_1", "zscore"),
    ("norm_count", "zscore", "norm_count after a correction of batches"),
    ("norm_count", "fpkm", "norm_count after a correction of batches"),
]


@pytest.mark.parametrize(("true", "declared", "words"), WRONG)
def test_other_units_are_refused_with_what_the_numbers_look_like(true, declared, words):
    with pytest.raises(WrongUnit, match="f.tsv: values from .* sum .* column unit_check") as error:
        check_unit(RIGHT[true], declared, "f.tsv")
    assert words in str(error.value).split("They look like")[1]


@pytest.mark.parametrize(("true", "declared", "words"), WRONG)
def test_the_sheet_may_take_them_all_the_same(true, declared, words):
    assert check_unit(RIGHT[true], declared, "f.tsv", checked=False).startswith(
        f"taken as {declared} unchecked: values"
    )


@pytest.mark.parametrize("genes", [500, 5000, 20_000, 49_000, 60_000])
def test_a_pseudo_count_of_one_is_distinguished_from_a_thousandth_whatever_the_number_of_genes(genes):
    """A one too many in each gene is less than 5 % of a million below 50,000 genes."""
    values = np.log2(expression(genes=genes) + 1)
    with pytest.raises(WrongUnit, match="look like log2_tpm_plus_1"):
        check_unit(values, "log2_tpm_plus_0.001", "f.tsv")


def test_some_zscores_are_in_the_thousands():
    """Published TCGA-BRCA has 36,893: a gene that is silent in the reference samples."""
    values = ZSCORES.copy()
    values[[3, 77]] = 36_893.2, 3_515.0
    assert check_unit(values, "zscore", "f.tsv") == ""
    assert guess_unit(values) == "zscore"


def test_copy_numbers_are_no_zscores():
    with pytest.raises(WrongUnit, match="look like copy numbers"):
        check_unit(np.random.default_rng(0).integers(-2, 3, 500).astype(float), "zscore", "f.tsv")


@pytest.mark.parametrize("values", [[np.inf, 1.0], [np.nan, np.nan]])
def test_what_is_no_number_is_never_taken(values):
    with pytest.raises(WrongUnit):
        check_unit(np.array(values), "tpm", "f.tsv", checked=False)


def normalise(folder, table, units, checks):
    table.to_csv(folder / "t.tsv", sep="\t")
    rows = [
        {"profile_id": s, "case_id": s, "column": s, "modality": "rna", "cohort": "A", "format": "matrix", "panel": ""}
        | {"path": str(folder / "t.tsv"), "unit": unit, "unit_check": check, "sample_id": ""}
        for s, unit, check in zip(table, units, checks, strict=True)
    ]
    normalise_rna(rows=rows, output=str(folder / "rna.h5ad"), losses=str(folder / "l.tsv"))
    return anndata.read_h5ad(folder / "rna.h5ad")


def test_a_table_lists_what_was_accepted_against_the_numbers(tmp_path, caplog):
    table = pd.DataFrame({"a": TPM[:3000], "b": expression(4)[:3000]}, [f"G{i}" for i in range(3000)])
    table /= table.sum() / 1e6
    table["b"] /= 4  # a file that was cut
    with pytest.raises(WrongUnit, match="t.tsv, sample b: .* sum 250000"):
        normalise(tmp_path, table, ["tpm", "tpm"], ["", ""])
    with caplog.at_level(logging.WARNING):
        data = normalise(tmp_path, table, ["tpm", "tpm"], ["", "off"])
    assert data.obs.unit_note["a"] == ""
    assert data.obs.unit_note["b"].startswith("taken as tpm unchecked: values from 0 to")
    assert "profile b" in caplog.text
    np.testing.assert_allclose(data.X, np.log2(table.loc[data.var_names].T + 1), rtol=1e-5)


def test_cbioportals_rsem_is_read_as_it_is_published(tmp_path):
    """data_mrna_seq_v2_rsem: linear, some values below zero after the correction of batches; these become zero."""
    table = pd.DataFrame({"a": CORRECTED[:2000], "b": CORRECTED[2000:4000] + 7}, [f"G{i}" for i in range(2000)])
    data = normalise(tmp_path, table, ["norm_count"] * 2, ["", ""])
    assert data.uns["value"] == "log2_norm_count_plus_1"
    np.testing.assert_allclose(data.X, np.log2(table.loc[data.var_names].clip(lower=0).T + 1), rtol=1e-5)
    assert data.obs.unit_note["a"] == "20 values below zero taken as zero"
    assert data.obs.unit_note["b"] == ""


@pytest.mark.parametrize("unit", ["fpkm", "log2_fpkm_plus_1", "log2_fpkm_plus_0.001"])
def test_fpkm_become_tpm(unit):
    kind, values = to_kind(RIGHT[unit], unit)
    assert kind == "tpm"
    np.testing.assert_allclose(values, TPM, rtol=1e-6, atol=1e-6)
