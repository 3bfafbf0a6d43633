"""A case on both sides of a fold: refused, unless the task's config.yaml allows it; then every table warns of it."""

import json

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.figures.tasks import plot_heatmap, plot_tasks
from molpath.probe.outputs import write_results
from molpath.probe.protocols import probe_frozen
from molpath.probe.results import OVERLAP
from molpath.probe.retrieval import probe_retrieval
from molpath.probe.tasks import BadTask, read_task
from molpath.tables.by_cohort import table_cohorts
from molpath.tables.metrics import collect_metrics, compare_models
from molpath.tables.tests import assess_models

SETTINGS = {
    "C": 0.5, "max_iter": 1000, "cox": {}, "permutations": 0, "controls": [], "bootstraps": 5, "seed": 0,
}  # fmt: skip


def overlapping(folder, allow=None, unit="slide_id"):
    """A task of 12 slides of 6 cases: in fold_1 alone a slide of case c0 is trained on and another is tested."""
    settings = {"task_col": "y", "sample_col": unit, "label_dict": {0: "a", 1: "b"}, "metrics": ["macro-ovr-auc"]}
    settings |= {} if allow is None else {"allow_case_overlap": allow}
    (folder / "config.yaml").write_text(json.dumps(settings))
    rows = [
        {"case_id": f"c{i // 2}", "slide_id": f"s{i}", "y": i // 2 % 2, "fold_0": ("train", "test")[i > 7]}
        for i in range(12)
    ]
    table = pd.DataFrame(rows)
    table["fold_1"] = table.fold_0.mask(table.slide_id == "s1", "test")
    table.to_csv(folder / "k=all.tsv", sep="\t", index=False)
    return lambda: read_task("x--y", folder / "config.yaml", folder / "k=all.tsv")


@pytest.mark.parametrize("allow", [None, False])
def test_it_is_refused_with_file_fold_case_and_key(tmp_path, allow):
    with pytest.raises(BadTask) as caught:
        overlapping(tmp_path, allow)()
    assert str(caught.value) == (
        f"{tmp_path}/k=all.tsv, column fold_1: case c0 is on both sides; put all its slides on one, "
        f"or set allow_case_overlap: true in {tmp_path}/config.yaml"
    )


def test_a_case_that_is_one_sample_is_refused_all_the_same(tmp_path):
    with pytest.raises(BadTask, match="column fold_1: the slides of case_id c0 disagree"):
        overlapping(tmp_path, True, unit="case_id")()


@pytest.fixture
def run(tmp_path):
    """Folder with tables/metrics.tsv, metrics.tsv and predictions.parquet of two models on the task, allowed."""
    task = overlapping(tmp_path, True)()
    rng = np.random.default_rng(0)
    for model in ("one", "two"):
        x = rng.normal(size=(12, 4)) + 0.5 * task.labels[:, None]
        for group, probe in (("frozen", probe_frozen), ("retrieval", probe_retrieval)):
            names = {"predictions": "parquet", "metrics": "tsv", "summary": "tsv"}
            outputs = {name: f"{tmp_path}/{model}-{group}-{name}.{end}" for name, end in names.items()}
            head = {"task": "x--y", "model": model, "group": group}
            primary = {"retrieval": "mAP@1"}.get(group, "")
            write_results(probe(task, x, SETTINGS), outputs, head, SETTINGS, 0, primary)
    parts = sorted(map(str, tmp_path.glob("*-summary.tsv")))
    collect_metrics(summaries=parts, families={"x--y": "grading"}, output=tmp_path / "metrics.tsv")
    return tmp_path


def test_scores_are_made_and_every_table_says_so(run):
    folds = read_tsv(run / "one-frozen-metrics.tsv")
    assert set(folds.note[folds.fold == "0"]) == {""}
    assert folds.note[folds.fold == "1"].str.contains(OVERLAP).all()
    metrics = read_tsv(run / "metrics.tsv")
    clean = metrics[metrics.protocol.isin(("logistic", "retrieval")) & (metrics.metric != "mAP@10")]
    assert (clean["mean"] != "").any()
    own = clean[clean.primary == "1"]
    assert len(own) == 4
    assert (own.note == f"{OVERLAP} in 1 of 2 fits").all()
    common = {"metrics": run / "metrics.tsv", "models": ["one", "two"], "note": ""}
    places = {name: run / f"made.{name}" for name in ("comparison", "seeds", "page")}
    compare_models(**common, **places)
    compared = read_tsv(places["comparison"])
    assert compared.one[compared.task == "x--y"].str.endswith(f", {OVERLAP}").all()
    table_cohorts(**common, outputs={name: run / f"cohorts.{name}" for name in ("table", "markdown", "latex")})
    for name in ("table", "markdown", "latex"):
        assert (run / f"cohorts.{name}").read_text().count(OVERLAP) == 2
    kinds = (("metrics", "tsv"), ("predictions", "parquet"))
    jobs = {name: sorted(map(str, run.glob(f"*-{name}.{end}"))) for name, end in kinds}
    outputs = {name: run / f"tests.{name}" for name in ("tests", "means", "survival", "page")}
    assess_models(**common, folds=jobs["metrics"], predictions=jobs["predictions"], outputs=outputs)
    tests = read_tsv(outputs["tests"])
    within = tests[tests.scope == "task"]
    assert len(within) > 1
    assert within.note.str.endswith(OVERLAP).all()


def test_figures_are_drawn_and_carry_the_note(run):
    note = "cases on both sides of folds of x--y"
    for draw, name in ((plot_tasks, "tasks"), (plot_heatmap, "heatmap")):
        files = {"figure": run / f"{name}.svg", "table": run / f"{name}.tsv"}
        draw(metrics=run / "metrics.tsv", models=["one", "two"], note=note, **files)
        assert note in files["figure"].read_text()
