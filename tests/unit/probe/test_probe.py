"""Probes: Patho-Bench's own numbers, metrics against scikit-learn, tasks that contradict themselves, embeddings."""

import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.probe.embeddings import read_embeddings
from molpath.probe.intervals import summarise
from molpath.probe.jobs import run_probe
from molpath.probe.metrics import classification_metrics, concordance
from molpath.probe.probes import fit_logistic
from molpath.probe.protocols import probe_fewshot, probe_frozen
from molpath.probe.results import UNCONVERGED
from molpath.probe.tasks import BadTask, Task, read_task
from sklearn import metrics as sk

SETTINGS = {
    "C": 0.5,
    "max_iter": 10000,
    "cox": {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000},
    "shots": [1, 4, 200],
    "repeats": 2,
    "permutations": 0,
    "bootstraps": 20,
    "seed": 0,
}


@pytest.mark.parametrize(("name", "c"), [("0.5", 0.5), ("0.01", 0.01), ("adaptive", 0)])
def test_metrics_are_those_of_pathobench(shared_data, name, c):
    """Every fold of a 50-fold task, and the summary, as Patho-Bench gave them."""
    folder = shared_data / "parity/pathobench/mc50--binary"
    expected = json.loads((folder / "expected.json").read_text())[f"linprobe_{name}"]
    task = read_task("mc50--binary", folder / "config.yaml", folder / "k=all.tsv")
    with h5py.File(folder / "embeddings.h5") as handle:
        x = read_parity(handle, task.samples)
    results = probe_frozen(task, x, SETTINGS | {"C": c})
    table = pd.DataFrame(results.metrics).pivot(index="fold", columns="metric", values="value")
    for fold, row in table.iterrows():
        overall = expected[f"test_metrics/fold_{fold}/metrics.json"]["overall"]
        for metric in ("macro-ovr-auc", "bacc", "weighted_kappa", "acc", "macro-f1", "weighted-f1"):
            assert row[metric] == pytest.approx(overall[metric], abs=1e-9), (fold, metric)
    summary = expected["test_metrics_summary.json"]["macro-ovr-auc"]
    own = summarise(pd.DataFrame(results.metrics), pd.concat(results.predictions), 10, 0).set_index("metric")
    assert own.loc["macro-ovr-auc", "mean"] == pytest.approx(summary["mean"], abs=1e-9)
    assert own.loc["macro-ovr-auc", "se"] == pytest.approx(summary["se"], abs=1e-9)


def read_parity(handle, samples):
    """Embeddings of the parity file in the order of the samples."""
    if set(handle) >= set(samples):
        return np.stack(
            [
                np.ravel(handle[name][()] if hasattr(handle[name], "shape") else handle[name]["features"][()])
                for name in samples
            ]
        )
    names = next(handle[k][:] for k in handle if handle[k].dtype.kind in "OS")
    values = next(handle[k][:] for k in handle if handle[k].dtype.kind == "f")
    order = {n.decode() if isinstance(n, bytes) else str(n): i for i, n in enumerate(names)}
    return values.reshape(len(names), -1)[[order[name] for name in samples]]


@pytest.mark.parametrize("classes", [2, 4])
def test_metrics_equal_scikit_learn(classes):
    rng = np.random.default_rng(classes)
    for _ in range(20):
        labels = rng.integers(0, classes, 40)
        probabilities = rng.dirichlet(np.ones(classes), 40).round(2)
        probabilities /= probabilities.sum(1, keepdims=True)
        guess = probabilities.argmax(1)
        metrics = classification_metrics(labels, probabilities)
        score = probabilities[:, 1] if classes == 2 else probabilities
        assert metrics["macro-ovr-auc"] == pytest.approx(sk.roc_auc_score(labels, score, multi_class="ovr"))
        assert metrics["bacc"] == pytest.approx(sk.balanced_accuracy_score(labels, guess))
        assert metrics["weighted_kappa"] == pytest.approx(sk.cohen_kappa_score(labels, guess, weights="quadratic"))
        assert metrics["macro-f1"] == pytest.approx(sk.f1_score(labels, guess, average="macro"))
        assert metrics["weighted-f1"] == pytest.approx(sk.f1_score(labels, guess, average="weighted"))


def toy(n=80, folds=4, signal=2.0, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    x = rng.normal(size=(n, 200)).astype(np.float32)
    x[:, 0] += signal * labels
    sides = np.full((n, folds), "train", object)
    sides[np.arange(n), np.arange(n) // 2 % folds] = "test"
    names = [f"S{i}" for i in range(n)]
    return Task("toy--y", "case_id", names, labels, ["a", "b"], sides, ["macro-ovr-auc"]), x


def test_permuted_labels_score_at_chance_and_true_ones_do_not():
    task, x = toy(signal=4)
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS | {"permutations": 30}).metrics)
    table = table[table.metric == "macro-ovr-auc"].groupby("protocol").value.mean()
    assert table["logistic"] > 0.8
    assert abs(table["permuted"] - 0.5) < 0.05


def test_shuffled_probes_are_fitted_in_the_span_of_their_samples_without_a_difference():
    task, x = toy()
    train, test = np.arange(40), np.arange(40, 80)
    basis = np.linalg.qr(x[train].T.astype(float))[0]
    plain = fit_logistic(x[train], task.labels[train], x[test], 2, SETTINGS)
    small = fit_logistic(x[train] @ basis, task.labels[train], x[test] @ basis, 2, SETTINGS)
    np.testing.assert_allclose(plain, small, atol=2e-3)


def test_few_shots_draw_k_a_class_and_leave_the_test_side():
    task, x = toy()
    table = pd.DataFrame(probe_fewshot(task, x, SETTINGS).metrics)
    assert sorted(table.shots.unique()) == [1, 4]  # 200 a class are not there
    assert (table.n_train == 2 * table.shots).all()
    assert (table.n_test == 20).all()


def test_shots_are_drawn_of_the_classes_that_the_data_has(caplog):
    task, x = toy()
    task.classes.append("never")
    table = pd.DataFrame(probe_fewshot(task, x, SETTINGS).metrics)
    assert sorted(table.shots.unique()) == [1, 4]
    assert (table.n_train == 2 * table.shots).all()
    assert "no sample is of class never; shots are drawn of the others" in caplog.text


def test_a_failed_probe_is_a_row_with_a_reason():
    task, x = toy()
    task.labels[:] = 0
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS).metrics)
    assert table.value.isna().all()
    assert table.note.str.contains("one class only").all()


def test_cox_probe_finds_a_planted_hazard():
    rng = np.random.default_rng(0)
    task, x = toy(n=160)
    hazard = x[:, 3] * 1.5
    task.times, task.events = rng.exponential(np.exp(-hazard)) * 100 + 1, rng.random(160) < 0.8
    table = pd.DataFrame(probe_frozen(task, x, SETTINGS).metrics)
    assert (table.protocol == "cox").all()
    assert table.value.mean() > 0.7
    assert concordance(task.times, task.events, hazard) > 0.7


def write_task(folder, rows, settings=None):
    config = {
        "task_col": "y",
        "sample_col": "case_id",
        "extra_cols": [],
        "label_dict": {0: "a", 1: "b"},
        "metrics": ["bacc"],
    }
    (folder / "config.yaml").write_text(json.dumps(config | (settings or {})))
    (folder / "k=all.tsv").write_text("case_id\tslide_id\ty\tfold_0\n" + "".join("\t".join(row) + "\n" for row in rows))
    return read_task("t--y", folder / "config.yaml", folder / "k=all.tsv")


def test_tasks_are_read_and_contradictions_named(tmp_path):
    task = write_task(
        tmp_path,
        [("007", "s1", "1", "train"), ("007", "s2", "1", "train"), ("8", "s3", "", "test"), ("9", "s4", "0", "test")],
    )
    assert task.samples == ["007", "9"]
    assert task.labels.tolist() == [1, 0]
    with pytest.raises(BadTask, match="column y: the slides of case_id A disagree"):
        write_task(tmp_path, [("A", "s1", "1", "train"), ("A", "s2", "0", "train")])
    with pytest.raises(BadTask, match="case A is on both sides"):
        write_task(tmp_path, [("A", "s1", "1", "train"), ("A", "s2", "1", "test")])
    with pytest.raises(BadTask, match=r"row 3, column y: labels \['2', 'x'\] are not in label_dict of .*; it has 0, 1"):
        write_task(tmp_path, [("A", "s1", "1", "train"), ("B", "s2", "x", "test"), ("C", "s3", "2", "test")])
    with pytest.raises(BadTask, match="header: no column grade"):
        write_task(tmp_path, [("A", "s1", "1", "train")], {"task_col": "grade"})
    with pytest.raises(BadTask, match="row 2, column fold_0: 'training' is none of"):
        write_task(tmp_path, [("A", "s1", "1", "training")])


def test_grades_are_in_the_order_of_their_codes_however_they_are_listed(tmp_path):
    """Quadratic kappa counts steps between grades."""
    grades = {"2": "three", "0": "one", "1": "two"}
    rows = [("A", "s1", "0", "train"), ("B", "s2", "1", "test"), ("C", "s3", "2", "test")]
    task = write_task(tmp_path, rows, {"label_dict": grades})
    assert task.classes == ["one", "two", "three"]
    assert task.labels.tolist() == [0, 1, 2]
    words = {"lumA": "luminal A", "basal": "basal"}
    task = write_task(tmp_path, [("A", "s1", "basal", "train"), ("B", "s2", "lumA", "test")], {"label_dict": words})
    assert task.classes == ["luminal A", "basal"]


def test_a_solver_that_stops_early_is_reported_and_counted(tmp_path):
    task, x = toy()
    results = probe_frozen(task, x * 1e3, SETTINGS | {"max_iter": 1, "controls": []})
    rows = pd.DataFrame(results.metrics)
    assert set(rows.note) == {UNCONVERGED}
    assert np.isfinite(rows.value).all()
    over = summarise(rows, pd.concat(results.predictions), 20, 0)
    folds = task.folds.shape[1]
    assert set(over.note) == {f"{UNCONVERGED} in {folds} of {folds} fits"}
    assert set(over.n_failed) == {0}
    notes = pd.DataFrame(probe_frozen(task, x, SETTINGS | {"controls": []}).metrics).note
    assert set(notes) == {""}


def test_a_column_of_events_makes_no_survival_task_unless_the_task_names_it(tmp_path):
    settings = {"task_col": "y", "sample_col": "case_id", "label_dict": {0: "a", 1: "b"}, "metrics": ["bacc"]}
    (tmp_path / "config.yaml").write_text(json.dumps(settings))
    (tmp_path / "k=all.tsv").write_text("case_id\tslide_id\ty\tOS_event\tfold_0\nA\ts1\t1\t\ttrain\n")
    assert not read_task("t--y", tmp_path / "config.yaml", tmp_path / "k=all.tsv").is_survival


def test_job_reads_embeddings_as_anndata_does_and_counts_the_missing(tmp_path):
    task, x = toy()
    data = anndata.AnnData(x[:-2], obs=pd.DataFrame({"case_id": task.samples[:-2]}, index=task.samples[:-2]))
    data.write_h5ad(tmp_path / "cases.h5ad")
    ids, values = read_embeddings(str(tmp_path / "cases.h5ad"))
    assert ids == list(data.obs_names)
    np.testing.assert_array_equal(values, data.X)
    rows = [(n, n, str(y), s) for n, y, s in zip(task.samples, task.labels, task.folds[:, 0], strict=True)]
    write_task(tmp_path, rows, {"metrics": ["macro-ovr-auc"]})
    run_probe(
        task="t--y",
        config=tmp_path / "config.yaml",
        table=tmp_path / "k=all.tsv",
        slides="none",
        cases=str(tmp_path / "cases.h5ad"),
        model="m",
        group="frozen",
        settings=SETTINGS,
        predictions=tmp_path / "p.parquet",
        metrics=tmp_path / "m.tsv",
        summary=tmp_path / "s.tsv",
    )
    summary = read_tsv(tmp_path / "s.tsv").set_index("metric")
    assert summary.loc["macro-ovr-auc", "n_missing"] == "2"
    assert float(summary.loc["macro-ovr-auc", "lower"]) <= float(summary.loc["macro-ovr-auc", "mean"])
    assert len(pd.read_parquet(tmp_path / "p.parquet")) == 20  # fold 0 loses none of its test side
