"""Cohorts that are too small, too equal, or of another kind than the fit they take over: a sentence, no traceback."""

import logging

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.omics.expression import DEFAULTS, normalise_rna
from molpath.omics.quality import pca_distance
from molpath.omics.tables import BadProfile

ROW = {"modality": "rna", "cohort": "A", "format": "matrix", "unit": "counts", "sample_id": "", "panel": ""}
VST = {"value": "vst", "vst": {"design": "", "genes": 0}}
MEANS = np.exp(np.random.default_rng(0).normal(4, 1, 60))


def counts_of(profiles, seed=1):
    rng = np.random.default_rng(seed)
    values = rng.negative_binomial(5, 5 / (5 + MEANS[:, None] * np.ones(profiles)))
    return pd.DataFrame(values, [f"G{i}" for i in range(60)], [f"s{i}" for i in range(profiles)])


def normalise(folder, counts, reference="", **settings):
    folder.mkdir(exist_ok=True)
    counts.to_csv(folder / "c.tsv", sep="\t")
    normalise_rna(
        rows=[ROW | {"profile_id": s, "case_id": s, "column": s, "path": str(folder / "c.tsv")} for s in counts],
        output=str(folder / "rna.h5ad"),
        losses=str(folder / "l.tsv"),
        fit=str(folder / "fit.h5"),
        reference=str(reference),
        settings=DEFAULTS | settings,
    )
    return anndata.read_h5ad(folder / "rna.h5ad")


def equals(number=4):
    return pd.concat([counts_of(1)] * number, axis=1).set_axis([f"s{i}" for i in range(number)], axis=1)


@pytest.mark.parametrize(
    ("counts", "settings", "words"),
    [
        (counts_of(1), VST, "with one profile there is no spread"),
        (equals(), VST, "the 4 profiles hardly differ beyond chance"),
        (counts_of(3) * 0, VST, "all counts are 0; size factors"),
        (counts_of(4), {"value": "vst", "vst": {"design": "~profile_id", "genes": 0}}, "there are no replicates"),
        (counts_of(4), {"value": "vst", "vst": {"design": "~nothing", "genes": 0}}, "factor `nothing`"),
    ],
)
def test_a_vst_that_cant_be_fitted_is_reported(counts, settings, words, tmp_path):
    with pytest.raises(
        BadProfile, match="cohort A has no VST: .*Set omics/value to log2_cpm, or name another"
    ) as error:
        normalise(tmp_path, counts, **settings)
    assert words in str(error.value)
    assert not (tmp_path / "rna.h5ad").exists()


def test_one_profile_takes_over_the_vst_of_another_cohort(tmp_path):
    normalise(tmp_path / "first", counts_of(20, 3), **VST)
    alone = normalise(tmp_path / "one", counts_of(1), tmp_path / "first/fit.h5", **VST)
    together = normalise(
        tmp_path / "many", counts_of(1).join(counts_of(5, 4), rsuffix="x"), tmp_path / "first/fit.h5", **VST
    )
    assert np.isfinite(alone.X).all()
    np.testing.assert_allclose(alone.X[0], together["s0"].X[0], rtol=1e-6)


def test_dispersions_of_one_profile_are_reported(tmp_path):
    with pytest.raises(BadProfile, match="cohort A: with one profile .* Set omics/dispersions to false"):
        normalise(tmp_path, counts_of(1), dispersions=True)


def test_a_fit_that_says_nothing_about_a_cohort(tmp_path, caplog):
    """Of a cohort with other genes, without counts, or made for logarithms: no VST; logarithms go without factors."""
    normalise(tmp_path / "logs", counts_of(5))
    tpm = counts_of(5) / counts_of(5).sum() * 1e6
    tpm.to_csv(tmp_path / "tpm.tsv", sep="\t")
    rows = [ROW | {"profile_id": s, "case_id": s, "column": s, "path": str(tmp_path / "tpm.tsv")} for s in tpm]
    normalise_rna(
        rows=[row | {"unit": "tpm"} for row in rows],
        output=str(tmp_path / "tpm.h5ad"),
        losses=str(tmp_path / "l.tsv"),
        fit=str(tmp_path / "tpm.h5"),
    )
    other_genes = counts_of(3).set_axis([f"H{i}" for i in range(60)])
    for counts, reference, words, with_factors in (
        (counts_of(3), "logs/fit.h5", "holds no VST; make it again with omics/value vst", True),
        (counts_of(3), "tpm.h5", "holds no fit, because not every profile of its cohort has counts", False),
        (other_genes, "logs/fit.h5", "no gene that the size factors rest on is in this cohort", False),
    ):
        with pytest.raises(BadProfile, match=f"cohort A has no VST: .*{words}"):
            normalise(tmp_path / "x", counts, tmp_path / reference, **VST)
        with caplog.at_level(logging.WARNING):
            data = normalise(tmp_path / "x", counts, tmp_path / reference)
        expected = np.log2(counts.loc[data.var_names] / counts.sum() * 1e6 + 1).T
        np.testing.assert_allclose(data.X, expected, rtol=1e-5)
        assert data.obs.size_factor.notna().all() == with_factors
        assert with_factors or words in caplog.text


def test_a_cohort_without_a_profile_is_reported(tmp_path):
    with pytest.raises(BadProfile, match="KIRP: no expression profile of this cohort"):
        normalise_rna(rows=[], output=str(tmp_path / "KIRP/rna.h5ad"), losses="l")


@pytest.mark.parametrize("number", [2, 4, 9])
def test_equal_profiles_are_no_outliers_but_reported(number, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        data = normalise(tmp_path, equals(number))
    assert not data.obs.outlier.any()
    assert (data.obs.pca_distance == 0).all()
    assert "profiles s0, s1" in caplog.text
    assert "same values in all genes" in caplog.text


def test_the_one_that_differs_from_equal_ones_is_the_outlier(tmp_path):
    data = normalise(tmp_path, equals(8).assign(other=counts_of(1, 7)["s0"]))
    assert data.obs_names[data.obs.outlier].tolist() == ["other"]


def test_rounding_is_no_distance():
    """Values that differ in the last digit of float32 only."""
    rng = np.random.default_rng(0)
    values = np.tile(rng.normal(8, 3, 500), (12, 1)) * (1 + rng.normal(0, 3e-8, (12, 500)))
    assert (pca_distance(values.astype(np.float32)) == 0).all()
