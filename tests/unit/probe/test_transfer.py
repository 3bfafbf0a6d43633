"""Transfer: the probe of one cohort on another, against scikit-learn and scikit-survival called plainly."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from around_files import SETTINGS, outputs_of, write_embeddings, write_task
from molpath.common.files import read_tsv
from molpath.probe.cohorts import Embeddings
from molpath.probe.tasks import BadTask
from molpath.probe.transfer import run_transfer


@pytest.fixture
def two_cohorts(tmp_path):
    """Embeddings of 60 cases of cohort A and 50 of cohort B, label in the first two numbers."""
    rng = np.random.default_rng(0)
    names = [f"A{i}" for i in range(60)] + [f"B{i}" for i in range(50)]
    labels = rng.integers(0, 2, 110)
    x = rng.normal(size=(110, 8)).astype(np.float32)
    x[:, 0] += 1.5 * labels
    return names, labels, x, write_embeddings(tmp_path / "cases.h5ad", names, x)


def transfer(folder, train, test, cases, settings=SETTINGS):
    outputs = outputs_of(folder)
    files = Embeddings("none", cases)
    run_transfer(name="A==B--y", train=train, test=test, files=files, model="m", settings=settings, outputs=outputs)
    return outputs


def test_all_of_a_trains_and_all_of_b_is_tested(tmp_path, two_cohorts):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    names, labels, x, cases = two_cohorts
    turned = 1 - labels[60:]  # cohort B lists its classes the other way round
    sides = ["train", "test"] * 25
    train = write_task(tmp_path / "A", names[:60], labels[:60])
    test = write_task(tmp_path / "B", names[60:], turned, words=("yes", "no"), folds=sides)
    outputs = transfer(tmp_path / "out", train, test, cases)
    model = LogisticRegression(C=0.5, max_iter=10000, class_weight="balanced", random_state=0).fit(x[:60], labels[:60])
    score = model.predict_proba(x[60:])[:, 1]
    summary = read_tsv(outputs["summary"]).set_index("metric").loc["macro-ovr-auc"]
    assert float(summary["mean"]) == pytest.approx(roc_auc_score(labels[60:], score), abs=1e-9)
    assert (summary.n_train, summary.n_test, summary.n_folds) == ("60", "50", "1")
    assert summary.interval.startswith("100 bootstraps")
    predictions = pd.read_parquet(outputs["predictions"])
    assert predictions.sample_id.tolist() == names[60:]
    np.testing.assert_allclose(predictions.prob_0, score, atol=1e-6)  # class 0 of B is "yes"
    rng = np.random.default_rng(1)
    draws = [roc_auc_score(labels[60:][i], score[i]) for i in rng.integers(0, 50, (400, 50))]
    assert float(summary.lower) == pytest.approx(np.percentile(draws, 2.5), abs=0.05)
    assert float(summary.upper) == pytest.approx(np.percentile(draws, 97.5), abs=0.05)
    again = transfer(tmp_path / "again", train, test, cases)
    for name, path in outputs.items():
        assert Path(path).read_bytes() == Path(again[name]).read_bytes()


def test_shuffled_labels_transfer_nothing(tmp_path, two_cohorts):
    names, labels, _, cases = two_cohorts
    train = write_task(tmp_path / "A", names[:60], labels[:60])
    test = write_task(tmp_path / "B", names[60:], labels[60:])
    outputs = transfer(tmp_path / "out", train, test, cases, SETTINGS | {"permutations": 60})
    table = read_tsv(outputs["metrics"])
    table["value"] = table.value.astype(float)
    means = table[table.metric == "macro-ovr-auc"].groupby("protocol").value.mean()
    assert means["logistic"] > 0.75
    assert abs(means["permuted"] - 0.5) < 0.05


def test_survival_transfers_by_the_cox_probe(tmp_path, two_cohorts):
    from sksurv.linear_model import CoxnetSurvivalAnalysis
    from sksurv.util import Surv

    names, _, x, cases = two_cohorts
    rng = np.random.default_rng(3)
    days, events = rng.exponential(200 * np.exp(-x[:, 1])) + 1, rng.random(110) < 0.8
    train = write_task(tmp_path / "A", names[:60], [0] * 60, survival=(days[:60], events[:60]))
    test = write_task(tmp_path / "B", names[60:], [0] * 50, survival=(days[60:], events[60:]))
    outputs = transfer(tmp_path / "out", train, test, cases)
    model = CoxnetSurvivalAnalysis(alphas=[0.07], l1_ratio=0.5, max_iter=100000)
    model.fit(x[:60].astype(float), Surv.from_arrays(events[:60], days[:60]))
    expected = model.score(x[60:].astype(float), Surv.from_arrays(events[60:], days[60:]))
    summary = read_tsv(outputs["summary"])
    assert float(summary["mean"][0]) == pytest.approx(expected, abs=1e-6)
    assert expected > 0.6


def test_contradictions_are_named(tmp_path, two_cohorts):
    names, labels, _, cases = two_cohorts
    train = write_task(tmp_path / "A", names[:60], labels[:60])
    shared = write_task(tmp_path / "B", [*names[60:], "A7"], [*labels[60:], 1])
    with pytest.raises(BadTask, match="case A7 is in A--y and in B--y"):
        transfer(tmp_path / "out", train, shared, cases)
    other = write_task(tmp_path / "C", names[60:], labels[60:], words=("wild type", "mutated"))
    with pytest.raises(BadTask, match="give both the same names"):
        transfer(tmp_path / "out", train, other, cases)
    survival = write_task(tmp_path / "D", names[60:], [0] * 50, survival=([5] * 50, [1] * 50))
    with pytest.raises(BadTask, match="is a survival task, the other is not"):
        transfer(tmp_path / "out", train, survival, cases)


def test_tables_without_folds_will_do(tmp_path, two_cohorts):
    names, labels, _, cases = two_cohorts
    train = write_task(tmp_path / "A", names[:60], labels[:60])
    test = write_task(tmp_path / "B", names[60:], labels[60:])
    with_folds = transfer(tmp_path / "with", train, test, cases)
    for side in (train, test):
        rows = pd.read_csv(side.table, sep="\t", dtype=str)
        rows.drop(columns=[name for name in rows if "fold_" in name]).to_csv(side.table, sep="\t", index=False)
    without = transfer(tmp_path / "without", train, test, cases)
    assert Path(with_folds["metrics"]).read_bytes() == Path(without["metrics"]).read_bytes()
