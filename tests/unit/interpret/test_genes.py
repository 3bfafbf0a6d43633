"""Genes along a probe's direction, and expression between predicted groups: planted genes, P values by other means."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.interpret import gene_directions
from molpath.interpret.expression import NoGroups, compare_expression, scores_of, split_cases
from molpath.interpret.gene_directions import (
    beside_null,
    correlate,
    directions_of,
    shuffled_directions,
    strata_of,
    write_directions,
)
from molpath.probe.permuting import shuffled
from molpath.probe.probes import ProbeFailed
from molpath.probe.tasks import Task
from schema_defaults import defaults_of
from scipy import stats

SETTINGS = defaults_of("probe")


def write_embeddings(path, x, ids, **obs):
    anndata.AnnData(x.astype(np.float32), obs=pd.DataFrame(obs, index=ids)).write_h5ad(path)


@pytest.fixture
def space(tmp_path):
    """Slides whose label moves them along axis 3, profiles whose gene G7 does the same in two cohorts."""
    rng = np.random.default_rng(0)
    names, labels = [f"C{i}" for i in range(40)], np.arange(40) % 2
    x = rng.normal(size=(40, 8))
    x[:, 3] += 6 * labels
    write_embeddings(tmp_path / "cases.h5ad", x, names, case_id=names)
    profiles, values = [f"P{i}" for i in range(60)], rng.normal(5, 1, size=(60, 20))
    cohort = np.repeat(["A", "B"], 30)
    values[cohort == "B", 4] += 20  # G4 separates the cohorts, as the embedding does
    vectors = rng.normal(size=(60, 8)) * 0.3
    vectors[:, 3] += values[:, 7] - 5 + 20 * (cohort == "B")
    vectors[:, 5] += 10
    write_embeddings(
        tmp_path / "profiles.h5ad", vectors, profiles, profile_id=profiles, case_id=profiles, modality="rna"
    )
    for name in ("A", "B"):
        of_cohort = cohort == name
        data = anndata.AnnData(
            values[of_cohort].astype(np.float32),
            obs=pd.DataFrame({"case_id": "", "cohort": name}, index=np.array(profiles)[of_cohort]),
            var=pd.DataFrame(index=[f"G{i}" for i in range(20)]),
        )
        data.write_h5ad(tmp_path / f"{name}.h5ad")
    settings = {"task_col": "y", "sample_col": "case_id", "label_dict": {0: "a", 1: "b"}, "metrics": ["bacc"]}
    (tmp_path / "config.yaml").write_text(json.dumps(settings))
    rows = [f"{name}\t{label}\ttrain" for name, label in zip(names, labels, strict=True)]
    (tmp_path / "k=all.tsv").write_text("\n".join(["case_id\ty\tfold_0", *rows]) + "\n")
    return tmp_path


def test_planted_gene_ranks_first_and_a_cohorts_gene_does_not(space):
    write_directions(
        task="t--y", config=space / "config.yaml", table=space / "k=all.tsv", slides=str(space / "none"),
        cases=str(space / "cases.h5ad"), profiles=str(space / "profiles.h5ad"),
        expression=[str(space / "A.h5ad"), str(space / "B.h5ad")], settings=SETTINGS, output=str(space / "out.tsv"),
    )  # fmt: skip
    table = read_tsv(space / "out.tsv")
    assert table["class"].unique().tolist() == ["b"]
    assert table.gene[0] == "G7"
    assert float(table.r[0]) > 0.5
    assert float(table.padj[0]) < 0.05
    assert set(table.n_permutations) == {"199"}
    assert table.gene.tolist().index("G4") > 0
    assert (table.padj[1:].astype(float) > 0.05).all()
    assert set(table.n_profiles) == {"60"}


def test_correlation_within_cohorts_equals_a_regression():
    rng = np.random.default_rng(1)
    values, along = rng.normal(size=(30, 5)), rng.normal(size=30)
    cohorts = np.repeat(["A", "B", "C"], 10).astype(object)
    values[:, 4] = 2.0
    correlations = correlate(values, along[:, None], cohorts)[:, 0]
    dummies = np.stack([cohorts == name for name in "ABC"], 1).astype(float)
    for gene in range(4):  # the coefficient of the gene with a constant for each cohort
        design = np.column_stack([values[:, gene], dummies])
        coefficients, residual, *_ = np.linalg.lstsq(design, along, rcond=None)
        error = np.sqrt(residual[0] / (30 - 4) * np.linalg.inv(design.T @ design)[0, 0])
        assert correlations[gene] * np.sqrt(26 / (1 - correlations[gene] ** 2)) == pytest.approx(
            coefficients[0] / error
        )
    assert np.isnan(correlations[4])


def labelled(labels, classes):
    """A task of as many cases."""
    names, side = [f"C{i}" for i in range(len(labels))], np.full((len(labels), 1), "train", object)
    return Task("t--y", "case_id", names, labels, classes, side, ["bacc"])


def test_shuffled_labels_have_no_genes_though_every_gene_goes_with_the_space(monkeypatch):
    """Profiles along few axes that all genes follow: a test against independence finds dozens for any direction."""
    monkeypatch.setattr(gene_directions, "PERMUTATIONS", 19)
    rng, least, naive = np.random.default_rng(4), [], []
    for _ in range(20):
        axes = rng.normal(size=(80, 4)) * (4, 2, 1, 1)
        genes = axes @ rng.normal(size=(4, 50)) + rng.normal(size=(80, 50))
        x = rng.normal(size=(30, 4)) * (4, 2, 1, 1)
        task = labelled(rng.permutation(np.arange(30) % 2), ["a", "b"])
        null, _ = shuffled_directions(task, x, SETTINGS, {})
        along = np.stack([directions_of(task, x, SETTINGS)["b"], *(directions["b"] for directions in null)], axis=1)
        r = correlate(genes, axes @ along, np.full(80, "A"))
        least.append(beside_null({"b": r})["b"].padj.min())
        p = 2 * stats.t.sf(np.abs(r[:, 0]) * np.sqrt(78 / (1 - r[:, 0] ** 2)), 78)
        naive.append((stats.false_discovery_control(p) < 0.05).sum())
    assert np.mean(np.array(least) <= 0.05) <= 0.2  # of 20: 5 % with 3 standard errors
    assert np.median(naive) > 10


def test_labels_are_exchanged_within_a_cohort_only():
    task = labelled(np.arange(8), list("abcdefgh"))
    cohorts = {f"C{i}": "AB"[i % 2] for i in range(8)}
    for repeat in range(5):
        order = shuffled(task, 0, repeat, cohorts)
        assert (order % 2 == np.arange(8) % 2).all()
        assert sorted(order) == list(range(8))


def test_cases_without_a_profile_are_no_cohort_of_their_own():
    task = labelled(np.arange(9), list("abcdefghi"))
    cohorts = {f"C{i}": "AB"[i % 2] for i in range(6)}
    for repeat in range(5):
        order = shuffled(task, 0, repeat, strata_of(task, cohorts))
        assert (order[:6] % 2 == np.arange(6) % 2).all()
        assert order[6:].tolist() == [6, 7, 8]  # of A or of B, nobody knows: they keep their labels
    stratum = strata_of(task, dict.fromkeys(list(cohorts), "A"))
    assert len(set(stratum.values())) == len(set(strata_of(task, {}).values())) == 1


def test_p_is_adjusted_over_classes_and_failed_probes_count_against_it():
    rng = np.random.default_rng(5)
    r = {label: rng.uniform(-0.5, 0.5, size=(4, 20)) for label in "abc"}
    r["a"][0, 0] = 0.9
    together, alone = beside_null(r), beside_null({"b": r["b"]})["b"]
    assert (together["b"].padj >= alone.padj).all()
    assert together["b"].padj.sum() > alone.padj.sum()
    assert together["a"].padj[0] == together["a"].p[0] == 1 / 20
    failed = beside_null(r, failed=5)["a"]
    assert failed.padj[0] == failed.p[0] == (1 + 5) / (20 + 5)


def test_probes_that_fail_are_counted(monkeypatch):
    def fails(*_):
        raise ProbeFailed("no convergence")

    monkeypatch.setattr(gene_directions, "coefficients", fails)
    monkeypatch.setattr(gene_directions, "PERMUTATIONS", 3)
    assert shuffled_directions(labelled(np.arange(4) % 2, ["a", "b"]), np.eye(4), SETTINGS, {}) == ([], 3)


def test_direction_of_a_survival_task_is_that_of_its_hazard():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(150, 6))
    times, events = rng.exponential(np.exp(-1.5 * x[:, 2])) * 100 + 1, np.ones(150, bool)
    folds = np.full((150, 1), "train", object)
    names = [f"C{i}" for i in range(150)]
    task = Task("t--OS", "case_id", names, np.zeros(150, int), ["x"], folds, ["cindex"], times, events)
    direction = directions_of(task, x, SETTINGS)["risk"]
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[2] > 0.9


def write_cohort(folder, n=24, genes=40):
    """Predictions of 3 folds, counts of two cohorts with gene G5 fourfold where the prediction is high, pairs."""
    rng = np.random.default_rng(3)
    names = np.array([f"C{i}" for i in range(n)])
    high = np.arange(n) % 2 == 1
    rows = [
        {"sample_id": name, "case_id": name, "protocol": protocol, "fold": fold, "prob_0": 1 - p, "prob_1": p}
        for protocol, flip in (("logistic", False), ("permuted", True))
        for fold in range(3)
        for name, p in zip(names, np.where(high ^ flip, 0.8, 0.2) + rng.uniform(-0.1, 0.1, n), strict=True)
    ]
    pd.DataFrame(rows).to_parquet(folder / "p.parquet")
    means = rng.uniform(50, 500, genes) * np.where(np.arange(n) < n // 2, 1.0, 1.5)[:, None]
    means[high, 5] *= 4
    counts = rng.negative_binomial(10, 10 / (10 + means)).astype(np.int32)
    counts[:, 8] = 0
    for cohort, of_cohort in (("A", np.arange(n) < n // 2), ("B", np.arange(n) >= n // 2)):
        obs = pd.DataFrame({"case_id": names[of_cohort], "cohort": cohort}, index=[f"P-{c}" for c in names[of_cohort]])
        data = anndata.AnnData(counts[of_cohort].astype(np.float32), obs=obs)
        data.var_names = [f"G{i}" for i in range(genes)]
        data.layers["counts"] = counts[of_cohort]
        data.write_h5ad(folder / f"{cohort}.h5ad")
    pairs = pd.DataFrame({"case_id": names, "profile_id": [f"P-{c}" for c in names], "modality": "rna"})
    pairs.assign(status="paired").to_csv(folder / "pairs.tsv", sep="\t", index=False)
    return [str(folder / f"{cohort}.h5ad") for cohort in "AB"]


def test_planted_gene_differs_between_predicted_groups(tmp_path):
    tables = write_cohort(tmp_path)
    compare_expression(
        predictions=str(tmp_path / "p.parquet"), pairs=str(tmp_path / "pairs.tsv"), tables=tables,
        settings={"split": "median", "class": 1, "min_counts": 10}, output=str(tmp_path / "out.tsv"),
    )  # fmt: skip
    table = read_tsv(tmp_path / "out.tsv")
    assert table.gene[0] == "G5"
    assert float(table.log2FC[0]) == pytest.approx(2, abs=0.5)
    assert float(table.padj[0]) < 1e-6
    assert (table.padj.iloc[1:].replace("", "1").astype(float) < 0.01).sum() == 0
    assert "G8" not in set(table.gene)
    assert (table.n_high[0], table.n_low[0]) == ("12", "12")


def test_normal_tissue_stands_for_no_case_that_has_a_tumour(tmp_path):
    """Each case has a profile of normal tissue, too, paired first, in which the planted gene goes the other way."""
    tables = write_cohort(tmp_path)
    arguments = {
        "predictions": str(tmp_path / "p.parquet"), "pairs": str(tmp_path / "pairs.tsv"), "tables": tables,
        "settings": {"split": "median", "class": 1, "min_counts": 10}, "output": str(tmp_path / "out.tsv"),
    }  # fmt: skip
    compare_expression(**arguments)
    without = (tmp_path / "out.tsv").read_bytes()
    for path in tables:
        tumours = anndata.read_h5ad(path)
        tumours.obs["sample_type"] = "tumour"
        normals = tumours.copy()
        normals.obs_names = [f"N-{case}" for case in normals.obs.case_id]
        normals.obs["sample_type"] = "normal"
        is_high = np.array([int(case[1:]) % 2 == 1 for case in normals.obs.case_id])
        normals.layers["counts"][:, 5] //= np.where(is_high, 16, 1)
        anndata.concat([normals, tumours]).write_h5ad(path)
    pairs = read_tsv(tmp_path / "pairs.tsv")
    normal_pairs = pairs.assign(profile_id="N-" + pairs.case_id)
    pd.concat([normal_pairs, pairs]).to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)
    compare_expression(**arguments)
    assert (tmp_path / "out.tsv").read_bytes() == without


def test_too_few_cases_and_confounded_cohorts_are_reported(tmp_path):
    tables = write_cohort(tmp_path, n=4)
    arguments = {
        "predictions": str(tmp_path / "p.parquet"), "pairs": str(tmp_path / "pairs.tsv"), "tables": tables,
        "output": str(tmp_path / "o.tsv"),
    }  # fmt: skip
    with pytest.raises(NoGroups, match="2 cases predicted high have counts; 3 are needed"):
        compare_expression(settings={"split": "median", "class": 1, "min_counts": 10}, **arguments)
    with pytest.raises(NoGroups, match="no class with code 5"):
        compare_expression(settings={"split": "median", "class": 5, "min_counts": 10}, **arguments)


def test_scores_of_folds_and_splits():
    risks = pd.DataFrame(
        {"case_id": list("abcd") * 2, "protocol": "cox", "fold": [0] * 4 + [1] * 4}
        | {"risk": [1, 2, 3, 4, -900, 500, 700, 600]}
    )
    scores = scores_of(risks, 1)
    assert scores.to_dict() == {"a": 0.25, "b": 0.5, "c": 0.875, "d": 0.875}
    assert split_cases(scores, "median").to_dict() == {"a": "low", "b": "low", "c": "high", "d": "high"}
    spread = pd.Series({"a": 0.1, "b": 0.2, "c": 0.4, "d": 0.6, "e": 0.8, "f": 0.9})
    assert split_cases(spread, "tertiles").to_dict() == {"a": "low", "b": "low", "e": "high", "f": "high"}
    assert (split_cases(spread, "half") == ["low"] * 3 + ["high"] * 3).all()
