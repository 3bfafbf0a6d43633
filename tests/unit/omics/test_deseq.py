"""DESeq2 parity: size factors, dispersions and VST against R's results (DESeq2 1.34.0), and fits that stay frozen."""

import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.omics.deseq import Fit, Unfit, fit_dispersions, fit_size_factors, fit_vst, size_factors, stabilise

DESIGNS = {
    "single_factor": "~condition",
    "multi_factor": "~group + condition",
    "continuous": "~group + condition + measurement",
    "wide": "~group + condition",
}


@pytest.fixture
def reference(shared_data):
    """Counts (profiles x genes), columns of the design, and a reader of R's results, by name of the set."""

    def load(name):
        folder = shared_data / "omics/pydeseq2"
        own = folder / "tests/data" / name
        counts, table = (
            own / f"test_{kind}.csv"
            if (own / f"test_{kind}.csv").exists()
            else folder / f"datasets/synthetic/test_{kind}.csv"
            for kind in ("counts", "metadata")
        )
        table = pd.read_csv(table, index_col=0)
        counts = pd.read_csv(counts, index_col=0)
        counts = counts.T if set(counts.columns) == set(table.index) else counts

        def results(kind):
            return pd.read_csv(own / f"r_{kind}.csv", index_col=0).squeeze()

        return counts.loc[table.index], table, results

    return load


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_size_factors(reference, name):
    counts, _, results = reference(name)
    fit = fit_size_factors(counts.to_numpy(), counts.columns)
    np.testing.assert_allclose(size_factors(counts.to_numpy(), fit), results("test_size_factors"), rtol=1e-6)


def test_size_factors_by_poscounts(reference):
    counts, _, results = reference("single_factor")
    fit = fit_size_factors(counts.to_numpy(), counts.columns, "poscounts")
    np.testing.assert_allclose(size_factors(counts.to_numpy(), fit), results("test_size_factors_poscount"), rtol=1e-6)


@pytest.mark.parametrize("name", sorted(DESIGNS))
def test_dispersions(reference, name):
    counts, table, results = reference(name)
    dispersions = fit_dispersions(counts.to_numpy(), DESIGNS[name], table)
    np.testing.assert_allclose(dispersions, results("test_dispersions"), rtol=0.02)


@pytest.mark.parametrize(("kind", "design"), [("vst", ""), ("vst_with_design", "~condition")])
def test_vst(reference, kind, design):
    counts, table, results = reference("single_factor")
    counts = counts.to_numpy()
    fit = fit_vst(counts, fit_size_factors(counts, [str(i) for i in range(10)]), design, table, genes=0)
    assert fit.trend == "parametric"
    stabilised = stabilise(counts, size_factors(counts, fit), fit)
    np.testing.assert_allclose(stabilised, results(kind).T, rtol=1e-4)


def cohort(seed, profiles=40, genes=300):
    """Synthetic counts of a cohort whose dispersion falls with the mean."""
    rng = np.random.default_rng(seed)
    mean = np.exp(np.random.default_rng(0).normal(4, 1.5, genes)) * rng.uniform(0.5, 2, (profiles, 1))
    size = 1 / (0.1 + 2 / mean)
    return rng.negative_binomial(size, size / (size + mean))


def test_a_fit_is_what_pydeseq2_gives_to_the_last_digits():
    """Against its own vst on all genes, and on a new cohort with its frozen parameters."""
    from pydeseq2.dds import DeseqDataSet

    first, second = cohort(1, genes=100), cohort(2, profiles=7, genes=100)
    names = [f"g{i}" for i in range(first.shape[1])]
    peer = DeseqDataSet(
        counts=pd.DataFrame(first, index=[f"p{i}" for i in range(len(first))], columns=names),
        metadata=pd.DataFrame({"all": "1"}, index=[f"p{i}" for i in range(len(first))]),
        design="~1",
        quiet=True,
    )
    peer.vst()
    fit = fit_vst(first, fit_size_factors(first, names), genes=0)
    for counts, expected in ((first, peer.layers["vst_counts"]), (second, peer.vst_transform(second))):
        np.testing.assert_allclose(stabilise(counts, size_factors(counts, fit), fit), expected, rtol=1e-12)


def test_a_fit_survives_its_file_and_other_genes(tmp_path):
    counts = cohort(3)
    names = np.array([f"g{i}" for i in range(counts.shape[1])])
    fit = fit_vst(counts, fit_size_factors(counts, names), genes=100)
    with h5py.File(tmp_path / "fit.h5", "w") as handle:
        fit.save(handle)
    with h5py.File(tmp_path / "fit.h5") as handle:
        again = Fit.load(handle)
    order = np.random.default_rng(0).permutation(len(names))
    moved = again.at(np.append(names[order], "unknown"))
    more = np.column_stack([counts[:, order], counts[:, 0]])
    np.testing.assert_array_equal(size_factors(more, moved), size_factors(counts, fit))
    np.testing.assert_array_equal(moved.coefficients, fit.coefficients)
    with pytest.raises(Unfit, match="no gene that the size factors rest on"):
        fit.at(np.array(["x", "y"]))


def test_the_trend_from_some_genes_is_near_that_from_all():
    counts = cohort(4, genes=600)
    fit = fit_size_factors(counts, [str(i) for i in range(600)])
    few, every = fit_vst(counts, fit, genes=200), fit_vst(counts, fit, genes=0)
    factors = size_factors(counts, fit)
    assert np.abs(stabilise(counts, factors, few) - stabilise(counts, factors, every)).max() < 0.5


def test_no_gene_in_every_profile_and_an_empty_profile():
    counts = cohort(5, profiles=6)
    counts[np.arange(300) % 5 + 1, np.arange(300)] = 0
    counts[0] = 0
    fit = fit_size_factors(counts, [str(i) for i in range(300)])
    assert fit.method == "poscounts"
    factors = size_factors(counts, fit)
    assert np.isnan(factors[0])
    assert np.isfinite(factors[1:]).all()
    with pytest.raises(Unfit, match="all counts are 0;"):
        fit_size_factors(np.zeros((3, 4), int), list("abcd"))
    with pytest.raises(Unfit, match="all counts are 0 or 1"):
        fit_size_factors(np.array([[1, 0], [0, 1]]), list("ab"))
