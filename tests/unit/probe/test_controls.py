"""Probes that are not the model's: neighbours, prototypes, strengths; and controls."""

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.probe.controls import notes_of_controls
from molpath.probe.outputs import write_results
from molpath.probe.probes import ProbeFailed, adaptive_c, fit_knn, fit_logistic, fit_prototype
from molpath.probe.protocols import probe_fewshot, probe_frozen, sides
from sklearn.linear_model import LogisticRegression

from .test_probe import SETTINGS, toy


def test_neighbours_by_hand():
    rng = np.random.default_rng(0)
    x, y, queries = rng.normal(size=(30, 5)), np.arange(30) % 3, rng.normal(size=(7, 5))
    computed = fit_knn(x, y, queries, 4, {"neighbours": 5})
    mean = x.mean(0)
    unit = lambda a: (a - mean) / np.linalg.norm(a - mean, axis=1, keepdims=True)  # noqa: E731
    for query, shares in zip(unit(queries), computed, strict=True):
        nearest = np.argsort([np.linalg.norm(query - row) for row in unit(x)])[:5]
        np.testing.assert_allclose(shares, np.bincount(y[nearest], minlength=4) / 5)
    assert fit_knn(x[:3], y[:3], queries, 3, {"neighbours": 20}) == pytest.approx(
        1 / 3
    )  # three samples are all there are


def test_prototypes_by_hand():
    rng = np.random.default_rng(1)
    x, y, queries = rng.normal(size=(30, 5)) + 3, np.array([0, 2, 2] * 10), rng.normal(size=(9, 5)) + 3
    computed = fit_prototype(x, y, queries, 3, {})
    mean = x.mean(0)
    unit = lambda a: (a - mean) / np.linalg.norm(a - mean, axis=1, keepdims=True)  # noqa: E731
    prototypes = {code: np.mean(unit(x)[y == code], axis=0) for code in (0, 2)}
    for query, shares in zip(unit(queries), computed, strict=True):
        distance = {code: np.sqrt(((query - prototype) ** 2).sum()) for code, prototype in prototypes.items()}
        assert shares.argmax() == min(distance, key=distance.get)
        expected = np.exp(-distance[2]) / (np.exp(-distance[0]) + np.exp(-distance[2]))
        assert shares.tolist() == pytest.approx([1 - expected, 0, expected])


@pytest.mark.parametrize("fit", [fit_logistic, fit_knn, fit_prototype])
def test_one_class_or_nobody_to_learn_from_is_reported(fit):
    x = np.random.default_rng(0).normal(size=(6, 3))
    with pytest.raises(ProbeFailed, match="one class only"):
        fit(x, np.ones(6, int), x, 2, SETTINGS)
    with pytest.raises(ProbeFailed, match="the training side is empty"):
        fit(x[:0], np.ones(0, int), x, 2, SETTINGS)


def test_sweep_and_further_probes_have_names_that_identify_them():
    task, x = toy()
    settings = SETTINGS | {"C_sweep": [0.001, 10, "adaptive"], "further": ["knn", "prototype", "ridge_cox"]}
    results = probe_frozen(task, x, settings)
    names = ["logistic", "logistic_C=0.001", "logistic_C=10", "logistic_C=adaptive", "knn", "prototype"]
    assert list(dict.fromkeys(row["protocol"] for row in results.metrics)) == names
    assert adaptive_c(200, 2) == 4
    guesses = pd.concat(results.predictions).set_index(["protocol", "fold"]).sort_index(kind="stable")
    for name, c in zip(names[1:4], (0.001, 10, 4), strict=True):
        train, test = sides(task, 1)
        model = LogisticRegression(C=c, max_iter=10000, class_weight="balanced").fit(
            x[train].astype(float), task.labels[train]
        )
        np.testing.assert_allclose(
            guesses.loc[(name, 1)].prob_1, model.predict_proba(x[test].astype(float))[:, 1], atol=1e-9
        )


def test_one_class_on_a_test_side_is_missing_with_its_reason():
    task, x = toy()
    task.folds[task.labels == 1, 2] = "train"
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS).metrics).set_index(["metric", "fold"])
    assert np.isnan(table.value["macro-ovr-auc", 2])
    assert table.note["macro-ovr-auc", 2] == "the test side has one class only"
    assert np.isfinite(table.value["acc", 2])
    assert np.isfinite(table.value["macro-ovr-auc"].drop(2)).all()
    task.folds[:, 3] = "train"
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS).metrics).set_index("fold")
    assert table.note[3] == "the test side is empty"


def test_few_shots_are_drawn_once_per_fold_and_repeatedly_from_a_single_one():
    task, x = toy()
    table = pd.DataFrame(probe_fewshot(task, x, SETTINGS | {"repeats": 0}).metrics)
    assert set(table.repeat) == {0}
    assert set(table.fold) == {0, 1, 2, 3}
    task.folds = task.folds[:, :1]
    assert {row["repeat"] for row in probe_fewshot(task, x, SETTINGS | {"repeats": 3}).metrics} == {0, 1, 2}
    results = probe_fewshot(task, x, SETTINGS | {"repeats": 0})
    table = pd.DataFrame(results.metrics)
    assert table.groupby("shots").repeat.nunique().to_dict() == {1: 5, 4: 5}
    tested = pd.concat(results.predictions).groupby(["shots", "repeat"]).sample_id.agg(frozenset)
    assert tested.nunique() == 1  # the test side never changes
    assert table[table.metric == "macro-ovr-auc"].value.nunique() > 5


def with_columns(telling):
    task, x = toy(n=120)
    codes = task.labels if telling else np.arange(120) // 2 % 2
    task.sites = {name: f"T{code}" for name, code in zip(task.samples, codes, strict=True)}
    task.patches = {name: 100 + 900 * int(code) for name, code in zip(task.samples, codes, strict=True)}
    return task, x


def test_controls_see_the_site_and_the_count_and_nothing_of_the_embedding():
    means = {}
    for telling in (True, False):
        task, x = with_columns(telling)
        table = pd.DataFrame(probe_frozen(task, x, SETTINGS | {"permutations": 3}).metrics)
        means[telling] = table[table.metric == "macro-ovr-auc"].groupby("protocol").value.mean()
    assert means[True]["site_only"] == means[True]["patch_count_only"] == 1
    assert abs(means[False]["site_only"] - 0.5) < 0.15
    assert abs(means[False]["patch_count_only"] - 0.5) < 0.15
    assert means[True]["logistic"] == means[False]["logistic"]
    task, x = with_columns(True)
    only = SETTINGS | {"permutations": 3, "controls": ["permuted"]}
    assert {row["protocol"] for row in probe_frozen(task, x, only).metrics} == {"logistic", "permuted"}
    del task.sites["S3"]  # not known of all
    names = {row["protocol"] for row in probe_frozen(task, x, SETTINGS).metrics}
    assert names == {"logistic", "patch_count_only"}


def test_permutations_take_ten_folds_in_turn():
    task, x = toy(n=40, folds=4)
    task.folds = np.tile(task.folds, (1, 6))  # 24 folds
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS | {"permutations": 6}).metrics)
    tried = table[table.protocol == "permuted"].drop_duplicates(["repeat", "fold"]).groupby("repeat").fold.agg(set)
    assert tried[0] == set(range(10))
    assert tried[2] == {20, 21, 22, 23, 0, 1, 2, 3, 4, 5}
    assert set(tried.map(len)) == {10}
    assert set().union(*tried) == set(range(24))


def test_controls_of_survival_find_a_site_that_dies_sooner():
    task, x = with_columns(True)
    rng = np.random.default_rng(0)
    task.times = rng.exponential(np.where(task.labels == 1, 50, 2000)) + 1
    task.events = np.ones(120, bool)
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS).metrics)
    means = table[table.metric == "cindex"].groupby("protocol").value.mean()
    assert means["site_only"] > 0.65
    assert means["patch_count_only"] > 0.65


@pytest.mark.parametrize(("metric", "lower", "remark"), [
    ("macro-ovr-auc", 0.55, True), ("macro-ovr-auc", 0.45, False), ("bacc", 0.3, True), ("bacc", 0.2, False),
    ("weighted_kappa", 0.01, True), ("weighted_kappa", -0.1, False), ("cindex", 0.51, True),
])  # fmt: skip
def test_note_where_the_interval_is_above_chance(metric, lower, remark):
    row = {"protocol": "site_only", "metric": metric, "mean": 0.6, "lower": lower, "upper": 0.7, "note": ""}
    over = pd.DataFrame([row, row | {"protocol": "logistic"}])
    notes = notes_of_controls(over, metric, classes=4)
    assert ("the site alone predicts the label" in notes[0]) == remark
    assert notes[1] == ""


@pytest.mark.parametrize(("protocol", "lower", "upper", "remark"), [
    ("permuted", 0.52, 0.6, True), ("knn_permuted", 0.3, 0.48, True), ("permuted", 0.4, 0.6, False),
    ("logistic", 0.52, 0.6, False), ("permuted", np.nan, np.nan, False),
])  # fmt: skip
def test_a_permuted_control_off_chance_is_flagged_in_words(protocol, lower, upper, remark):
    row = {"protocol": protocol, "metric": "macro-ovr-auc", "mean": 0.55, "lower": lower, "upper": upper, "note": ""}
    notes = notes_of_controls(pd.DataFrame([row | {"n_draws": 20}]), "macro-ovr-auc", classes=2)
    assert ("permuted labels are off chance" in notes[0]) == remark


def test_every_probe_has_its_control_and_what_has_none_says_so(tmp_path):
    task, x = toy(n=60, folds=3)
    settings = SETTINGS | {"further": ["knn", "prototype"], "C_sweep": [10], "permutations": 19, "missing": "fail"}
    outputs = {name: str(tmp_path / name) for name in ("predictions", "metrics", "summary")}
    write_results(probe_frozen(task, x, settings), outputs, {"task": "t"}, settings, 0)
    p = read_tsv(outputs["summary"]).set_index(["protocol", "metric"]).p_permuted
    for name in ("logistic", "knn", "prototype"):
        assert 0.05 <= float(p[name, task.primary]) <= 1
    assert p["logistic_C=10", task.primary] == p["logistic", "ece"] == "not computed"
    assert set(p.xs("knn_permuted")) == {""}
    write_results(probe_fewshot(task, x, settings | {"shots": [4]}), outputs, {"task": "t"}, settings, 0)
    table = read_tsv(outputs["summary"]).set_index(["protocol", "metric"])
    assert 0.05 <= float(table.p_permuted["fewshot", task.primary]) <= 1
    assert table.n_fits["fewshot_permuted", task.primary] == str(3 * 2 * 19)


def test_chance_counts_the_classes_that_samples_have(tmp_path):
    """A label_dict may name classes that nobody has, which no probe guesses."""
    task, x = toy()
    task.classes, task.metrics = [f"class {code}" for code in range(6)], ["bacc"]
    assert len(set(task.labels)) == 2
    outputs = {name: str(tmp_path / name) for name in ("predictions", "metrics", "summary")}
    write_results(probe_frozen(task, x, SETTINGS), outputs, {}, {"bootstraps": 5, "seed": 0}, 0)
    summary = read_tsv(outputs["summary"])
    assert set(summary.chance[summary.metric == "bacc"]) == {"0.5"}


@pytest.mark.parametrize(("metric", "lower", "upper", "draws", "remark"), [
    ("r2", -0.6, -0.02, 20, ""), ("r2", 0.01, 0.2, 20, "permuted labels are off chance"),
    ("pearson", -0.6, -0.02, 20, "permuted labels are off chance"),
    ("mae", 3.0, 4.0, 20, ""), ("brier", 0.3, 0.4, 20, ""), ("mae", 3.0, 4.0, 2, ""),
    ("r2", 0.01, 0.2, 19, "not judged whether permuted labels are at chance: 19 of 20"),
    ("macro-ovr-auc", 0.52, 0.6, 2, "not judged whether permuted labels are at chance: 2 of 20"),
])  # fmt: skip
def test_r2_below_chance_is_no_fault_and_few_permutations_are_not_judged(metric, lower, upper, draws, remark):
    row = {"protocol": "permuted", "metric": metric, "mean": 0.1, "lower": lower, "upper": upper, "note": ""}
    note = notes_of_controls(pd.DataFrame([row | {"n_draws": draws}]), metric, classes=0)[0]
    assert note.startswith(remark) if remark else note == ""
