"""Regression tasks, and probes in addition to the paper's: equal to other libraries, choices that see no test side."""

import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.probe.further import MlpProbe, NestedProbe, scaled, standardised
from molpath.probe.jobs import run_probe
from molpath.probe.probes import fit_logistic
from molpath.probe.regression import METRICS, RidgeProbe, inner_folds, regression_metrics
from molpath.probe.tasks import BadTask, Task, read_task
from molpath.tables.tasks import COLUMNS, describe, show_tasks
from projects import write_table
from schema_defaults import defaults_of
from scipy import stats
from sklearn import metrics
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.preprocessing import StandardScaler

SETTINGS = defaults_of("probe")


def task_of(y=None, labels=None, cases=None, folds=2):
    n = len(y if y is not None else labels)
    sides = np.array([["test" if k % folds == fold else "train" for fold in range(folds)] for k in range(n)], object)
    samples = [f"s{k}" for k in range(n)]
    return Task(
        "t", "slide_id", samples, np.zeros(n, int) if labels is None else labels,
        [] if labels is None else ["a", "b"], sides, ["r2"] if labels is None else ["bacc"],
        cases=dict(zip(samples, cases, strict=True)) if cases else {}, values=np.zeros(0) if y is None else y,
    )  # fmt: skip


def planted(n=90, width=20, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, width)).astype(np.float32)
    return x, 40 + 12 * x[:, 0] - 5 * x[:, 1] + 6 * rng.normal(size=n)


def test_metrics_are_those_of_other_libraries():
    rng = np.random.default_rng(1)
    truth, guess = rng.normal(size=50).round(1), rng.normal(size=50)
    values = regression_metrics(truth, guess)
    assert list(values) == list(METRICS)
    assert values["r2"] == pytest.approx(metrics.r2_score(truth, guess), abs=1e-12)
    assert values["mae"] == pytest.approx(metrics.mean_absolute_error(truth, guess), abs=1e-12)
    assert values["pearson"] == pytest.approx(stats.pearsonr(truth, guess)[0], abs=1e-12)
    assert values["spearman"] == pytest.approx(stats.spearmanr(truth, guess)[0], abs=1e-12)
    same = regression_metrics(np.ones(5), guess[:5])
    assert all(np.isnan(same[name]) for name in ("r2", "pearson", "spearman"))


def test_ridge_is_scikit_learns_with_the_penalty_of_its_grid_search_over_cases():
    x, y = planted()
    cases = [f"c{k // 3}" for k in range(90)]
    task = task_of(y, cases=cases)
    train, test = np.flatnonzero(task.folds[:, 0] == "train"), np.flatnonzero(task.folds[:, 0] == "test")
    predicted = RidgeProbe(task, x, SETTINGS)(train, test)
    grid = {"alpha": SETTINGS["ridge_alphas"]}
    peer = GridSearchCV(Ridge(), grid, cv=GroupKFold(5), scoring="neg_mean_squared_error")
    peer.fit(x[train].astype(float), y[train], groups=[cases[k] for k in train])
    np.testing.assert_allclose(predicted, peer.predict(x[test].astype(float)), atol=1e-8)
    for inner, held in inner_folds([cases[k] for k in train]):
        assert not {cases[train[k]] for k in inner} & {cases[train[k]] for k in held}


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A regression job as the workflow runs it: summary, folds and predictions."""
    import anndata

    folder = tmp_path_factory.mktemp("regression")
    x, y = planted(seed=3)
    names = [f"C{k}" for k in range(90)]
    for unit in ("slides", "cases"):
        data = anndata.AnnData(x, obs=pd.DataFrame({"case_id": names, "slides_used": ""}, index=names))
        data.uns["model"] = {"name": "m", "kind": "table", "given": "case_id"}
        data.write_h5ad(folder / f"{unit}.h5ad")
    rows = [
        {"case_id": name, "age": f"{value:.6f}", **{f"fold_{f}": "test" if k % 3 == f else "train" for f in range(3)}}
        for k, (name, value) in enumerate(zip(names, y, strict=True))
    ]
    write_table(folder / "k=all.tsv", rows)
    settings = {"task_col": "age", "sample_col": "case_id", "task_type": "regression", "metrics": ["pearson"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    out = {name: str(folder / name) for name in ("predictions", "metrics", "summary")}
    run_probe(
        task="t", config=str(folder / "config.yaml"), table=str(folder / "k=all.tsv"), model="m", group="frozen",
        slides=str(folder / "slides.h5ad"), cases=str(folder / "cases.h5ad"),
        settings={**SETTINGS, "permutations": 20, "bootstraps": 50, "further": ["mlp"]}, **out,
    )  # fmt: skip
    return read_tsv(out["summary"]), read_tsv(out["metrics"]), pd.read_parquet(out["predictions"]), folder


def test_a_regression_job_has_every_fold_pooled_scores_and_a_control_at_chance(job):
    summary, folds, guesses, _ = job
    ridge = summary[summary.protocol == "ridge"].set_index("metric")
    of_ridge = guesses[guesses.protocol == "ridge"]
    pooled = regression_metrics(of_ridge.value.to_numpy(), of_ridge.predicted.to_numpy())
    for name in METRICS:
        assert float(ridge.loc[f"pooled_{name}", "mean"]) == pytest.approx(pooled[name], abs=1e-9)
        by_fold = [
            regression_metrics(p.value.to_numpy(), p.predicted.to_numpy())[name] for _, p in of_ridge.groupby("fold")
        ]
        assert float(ridge.loc[name, "mean"]) == pytest.approx(np.mean(by_fold), abs=1e-9)
        assert float(ridge.loc[name, "lower"]) <= float(ridge.loc[name, "mean"]) <= float(ridge.loc[name, "upper"])
    assert float(ridge.loc["r2", "mean"]) > 0.6
    assert ridge.loc["pearson", "primary"] == "1"
    assert float(ridge.loc["pearson", "p_permuted"]) == pytest.approx(1 / 21, abs=1e-4)
    assert float(ridge.loc["pearson", "chance"]) == 0
    permuted = summary[summary.protocol == "permuted"].set_index("metric")
    assert abs(float(permuted.loc["pearson", "mean"])) < 0.25
    assert float(summary[summary.protocol == "mlp"].set_index("metric").loc["pearson", "mean"]) > 0.5
    assert len(folds[folds.protocol == "ridge"]) == 3 * len(METRICS)


def test_a_regression_task_is_described_by_its_range(job):
    folder = job[3]
    task = read_task("t", folder / "config.yaml", folder / "k=all.tsv")
    row = describe(task)
    assert row["range"] == f"{task.values.min():g} to {task.values.max():g}"
    shown = show_tasks(pd.DataFrame([row], columns=COLUMNS).assign(family="f"))
    assert shown.range.tolist() == [row["range"]]
    assert "classes" not in shown


def test_a_label_that_is_no_number_is_reported(job):
    folder = job[3]
    text = (folder / "k=all.tsv").read_text().split("\n")
    text[4] = "\t".join(["C3", "old", *text[4].split("\t")[2:]])
    (folder / "bad.tsv").write_text("\n".join(text))
    with pytest.raises(BadTask, match=r"bad.tsv, row 5, column age: 'old' is no finite number: correct it"):
        read_task("t", folder / "config.yaml", folder / "bad.tsv")


@pytest.mark.parametrize("metric", ["mae", "brier", "ece"])
def test_a_first_metric_of_which_less_is_better_is_refused(tmp_path, metric):
    """Tables, figures and counts of tasks won would call the worst model the best."""
    kind = {"task_type": "regression"} if metric == "mae" else {"label_dict": {0: "a", 1: "b"}}
    settings = {"task_col": "y", "sample_col": "case_id", "metrics": [metric, "bacc"], **kind}
    write_table(tmp_path / "k=all.tsv", [{"case_id": f"C{k}", "y": k % 2, "fold_0": "train"} for k in range(4)])
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(BadTask, match=rf"config.yaml, metrics: {metric} can't be a task's first metric.*less"):
        read_task("t", tmp_path / "config.yaml", tmp_path / "k=all.tsv")
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings | {"metrics": ["r2", metric]}))
    assert read_task("t", tmp_path / "config.yaml", tmp_path / "k=all.tsv").primary == "r2"


def test_constant_targets_have_no_r2_and_small_units_keep_every_score():
    """Sums of 0.1 don't come to its multiples: what is left over is no spread. A small unit is no lack of it."""
    guess = np.random.default_rng(0).normal(size=60)
    for value in (0.1, -0.3, 1e6 / 3):
        values = regression_metrics(np.full(60, value), np.full(60, value))
        assert all(np.isnan(values[name]) for name in ("r2", "pearson", "spearman")), value
    truth = guess + np.random.default_rng(1).normal(size=60)
    plain = regression_metrics(truth, guess)
    for unit in (1e-12, 1e-8, 1e9):
        values = regression_metrics(truth * unit, guess * unit)
        for name in ("r2", "pearson", "spearman"):
            assert values[name] == pytest.approx(plain[name], abs=1e-9), (unit, name)
        assert values["mae"] == pytest.approx(plain["mae"] * unit)
    days = regression_metrics(20000 + truth, 20000 + guess)
    assert days["r2"] == pytest.approx(plain["r2"], abs=1e-6)


def classes(seed=5):
    rng = np.random.default_rng(seed)
    x = (rng.normal(size=(120, 30)) * np.geomspace(0.01, 3, 30)).astype(np.float32)
    return x, (x[:, 3] / 0.018 + 0.5 * rng.normal(size=120) > 0).astype(int)


def test_standardised_is_the_plain_probe_on_scikit_learns_scaling():
    x, y = classes()
    scaler = StandardScaler().fit(x[:80].astype(float))
    model = LogisticRegression(C=0.5, max_iter=10_000, class_weight="balanced", random_state=0)
    model.fit(scaler.transform(x[:80].astype(float)), y[:80])
    probabilities = standardised(x[:80], y[:80], x[80:], 2, SETTINGS)
    np.testing.assert_allclose(probabilities, model.predict_proba(scaler.transform(x[80:].astype(float))), atol=1e-6)
    constant = np.ones((4, 1), np.float32)
    assert (scaled(constant, constant + 1)[1] == 0).all()


def test_nested_strength_is_chosen_on_the_training_side_alone():
    x, y = classes()
    task = task_of(labels=y)
    probe, train = NestedProbe(task, x, SETTINGS), np.flatnonzero(task.folds[:, 0] == "train")
    chosen = probe.choose(train)
    assert chosen in SETTINGS["nested_C"]
    test = np.flatnonzero(task.folds[:, 0] == "test")
    task.labels[test] = 1 - task.labels[test]
    assert probe.choose(train) == chosen
    model = LogisticRegression(C=chosen, max_iter=10_000, class_weight="balanced", random_state=0)
    model.fit(x[train].astype(float), y[train])
    np.testing.assert_allclose(probe(train, test), model.predict_proba(x[test].astype(float)), atol=1e-9)


def test_an_mlp_finds_what_no_line_can():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    task = task_of(labels=y)
    train, test = np.flatnonzero(task.folds[:, 0] == "train"), np.flatnonzero(task.folds[:, 0] == "test")
    probe = MlpProbe(task, x, SETTINGS)
    probabilities = probe(train, test)
    line = fit_logistic(x[train], y[train], x[test], 2, SETTINGS)
    assert (probabilities.argmax(1) == y[test]).mean() > 0.7
    assert (line.argmax(1) == y[test]).mean() < 0.6
    np.testing.assert_array_equal(probabilities, probe(train, test))
    few = MlpProbe(task, x, SETTINGS)(train[:6], test[:2])
    np.testing.assert_allclose(few.sum(1), 1)
