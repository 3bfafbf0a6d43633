"""One fold of five that a probe did not fail on is no result to rank: noted at each mean, left out of averages."""

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.averages import averages, plot_each_task
from molpath.figures.tasks import plot_heatmap, plot_tasks
from molpath.probe.intervals import summarise
from molpath.tables.by_cohort import table_cohorts
from molpath.tables.contrasts import across_tasks
from molpath.tables.metrics import compare_models
from molpath.tables.scores import describe_folds, enough, main_scores, read_metrics
from molpath.tables.tests import fold_scores

MODELS = ["mean", "threads"]


def folds(task, model, values):
    head = {"task": task, "model": model, "group": "frozen", "protocol": "cox", "shots": 0, "repeat": 0}
    reason = {True: "", False: "the solver failed"}
    rows = [head | {"fold": k, "metric": "cindex", "value": v, "note": reason[v == v]} for k, v in enumerate(values)]
    rows += [row | {"metric": "auc@365d", "value": 0.6} for row in rows if row["value"] == row["value"]]
    return pd.DataFrame(rows).assign(n_train=8, n_test=2)


@pytest.fixture
def run(tmp_path):
    """tables/metrics.tsv of two models on two tasks, one of which fails on 4 of 5 folds of one; metrics.tsv of jobs."""
    parts = {
        ("s--OS", "mean"): [0.9] + [float("nan")] * 4,
        ("s--OS", "threads"): [0.6, 0.7, 0.6, 0.7, 0.6],
        ("s--PFS", "mean"): [0.5, 0.6, 0.5, 0.6, 0.5],
        ("s--PFS", "threads"): [float("nan"), 0.7, 0.6, 0.7, 0.6],
    }
    summaries, jobs = [], []
    for (task, model), values in parts.items():
        rows = folds(task, model, values)
        over = summarise(rows, pd.DataFrame(columns=["sample_id", "protocol", "shots"]), 10, 0)
        over["primary"] = (over.metric == "cindex").astype(int)
        head = {"task": task, "family": "survival", "model": model, "group": "frozen"}
        summaries.append(over.assign(**head, n_samples=10, n_missing=0, chance=0.5, p_permuted=0.05))
        jobs.append(tmp_path / f"{task}{model}.tsv")
        write_tsv(jobs[-1], rows)
    write_tsv(tmp_path / "metrics.tsv", pd.concat(summaries))
    return tmp_path, jobs


def test_a_summary_counts_failed_folds_for_every_metric_and_has_no_error_of_one_value(run):
    table = read_metrics(run[0] / "metrics.tsv")
    of_mean = table[(table.task == "s--OS") & (table.model == "mean")].set_index("metric")
    for metric, mean in (("cindex", 0.9), ("auc@365d", 0.6)):
        row = of_mean.loc[metric]
        assert (row["mean"], row.n_folds, row.n_fits, row.n_failed) == (mean, 5, 5, 4)
        assert np.isnan(row.se)
        assert row.note == "the solver failed"
    assert enough(of_mean).tolist() == [False, False]
    assert enough(table[(table.task == "s--PFS")]).all()  # four of five are enough, and noted


def test_words_of_folds():
    assert describe_folds(5, 4, 0, 5) == "1 of 5 folds"
    assert describe_folds(500, 20, 0, 50) == "480 of 500 fits"
    assert describe_folds(5, 0, 0, 5) == ""
    assert describe_folds(5, 1, 2, 5) == "4 of 5 folds, no coefficient kept in 2 of 5 folds"


def test_tables_say_how_many_folds_and_average_and_rank_without_them(run):
    folder, jobs = run
    paths = {name: folder / name for name in ("comparison", "seeds", "page")}
    compare_models(metrics=folder / "metrics.tsv", models=MODELS, note="", **paths)
    table = read_tsv(paths["comparison"]).set_index("task")
    assert table.loc["s--OS", "mean"].endswith(", 1 of 5 folds")
    assert table.loc["s--PFS", "threads"].endswith(", 4 of 5 folds")
    both = table.loc["mean of the family, 1 of 2 tasks"]  # of PFS alone, for both
    assert (both["mean"], both["threads"]) == ("0.540", "0.650")
    seeds = read_tsv(paths["seeds"]).set_index("kind")
    assert seeds.tasks.to_dict() == {"mean": "1", "threads": "1"}
    outputs = {name: folder / f"cohorts.{name}" for name in ("table", "markdown", "latex")}
    table_cohorts(metrics=folder / "metrics.tsv", models=MODELS, note="", outputs=outputs)
    cells = read_tsv(outputs["table"]).set_index(["column", "model"])
    assert cells.shown["OS, c-index", "mean"] == "0.900, 1 of 5 folds"
    assert cells.best["OS, c-index", "mean"] == "0"
    assert cells.best["OS, c-index", "threads"] == "1"


def test_tests_and_wins_leave_them_out(run):
    folder, jobs = run
    metrics = read_metrics(folder / "metrics.tsv")
    scores = fold_scores(metrics, jobs)
    assert set(zip(scores.task, scores.model, strict=True)) == {
        ("s--OS", "threads"),
        ("s--PFS", "mean"),
        ("s--PFS", "threads"),
    }
    blank = pd.DataFrame(columns=["scope", "family", "group", "model_a", "model_b", "difference", "p_adjusted"])
    means = pd.DataFrame(columns=["scope", "family", "group", "model", "mean", "lower", "upper"])
    numbers = averages(main_scores(metrics, "frozen", MODELS), blank, means, "frozen", MODELS, "mean").set_index(
        "model"
    )
    assert numbers.won.to_dict() == {"mean": 0, "threads": 2}
    assert numbers["mean"]["mean"] == pytest.approx(0.54)


def test_figures_say_it(run):
    folder, _ = run
    common = {"metrics": str(folder / "metrics.tsv"), "models": MODELS, "note": ""}
    for name, draw, more in (
        ("tasks", plot_tasks, {}),
        ("heatmap", plot_heatmap, {}),
        ("each", plot_each_task, {"group": "frozen", "supervised": []}),
    ):
        draw(figure=str(folder / f"{name}.svg"), table=str(folder / f"{name}.tsv"), **common, **more)
        drawn = (folder / f"{name}.svg").read_text()
        assert "1 of 5" in drawn, name
    assert "0.90" not in (folder / "heatmap.svg").read_text()


def test_marginal_means_stay_within_the_range_of_their_metric():
    table = pd.DataFrame({"a": [0.99, 0.6], "b": [0.95, 0.99]})
    _, means = across_tasks(table)
    assert max(row["upper"] for row in means) <= 1
    assert min(row["lower"] for row in means) >= 0
    assert across_tasks(table, lowest=-1)[1][0]["lower"] < 0
