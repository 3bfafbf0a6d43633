"""ROC, precision-recall and reliability curves equal scikit-learn's; confusion matrices of 2 and 30 classes."""

import numpy as np
import pandas as pd
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.figures.confusion import plot_confusion
from molpath.figures.curves import MOST, POINTS, curves_of, plot_curves, ranked_curves, reliability
from PIL import Image
from projects import write_table
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

MODELS = {"one": ["one", ""], "two": ["two", ""]}


def guesses(task, model, classes, n=200, folds=4, seed=0, strength=1.5):
    """Predictions of a probe, two slides per case."""
    rng = np.random.default_rng([seed, classes])
    label = np.repeat(rng.integers(classes, size=n // 2), 2)
    logits = rng.normal(size=(n, classes)) + strength * np.eye(classes)[label]
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    table = pd.DataFrame({"task": task, "model": model, "group": "frozen", "protocol": "logistic"}, index=range(n))
    table = table.assign(fold=np.arange(n) // 2 % folds, sample_id=[f"s{k}" for k in range(n)], label=label)
    table["case_id"] = [f"c{k // 2}" for k in range(n)]
    return table.assign(**{f"prob_{code}": probability[:, code] for code in range(classes)})


def write(folder, *tables):
    paths = []
    for number, table in enumerate(tables):
        paths.append(folder / f"{number}.parquet")
        table.to_parquet(paths[-1])
    return paths


def test_curves_are_scikit_learns():
    table = guesses("t", "one", 2)
    positive, score = table.label.to_numpy() == 1, table.prob_1.to_numpy().round(2)
    roc, precise = ranked_curves(positive, score, np.ones((1, len(table))))
    away, recall, _ = roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(roc[0], np.interp(np.linspace(0, 1, POINTS), away, recall), atol=1e-12)
    assert np.trapezoid(roc[0], np.linspace(0, 1, POINTS)) == pytest.approx(roc_auc_score(positive, score), abs=0.01)
    assert precise[0].mean() == pytest.approx(average_precision_score(positive, score), abs=0.01)
    assert precise[0][-1] == pytest.approx(positive.mean(), abs=0.2)
    x, true = reliability(positive.astype(int), np.stack([1 - table.prob_1, table.prob_1], 1), np.ones((1, len(table))))
    expected, at = calibration_curve(positive, table.prob_1, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(x, at, atol=1e-9)
    np.testing.assert_allclose(true[0], expected, atol=1e-9)


def test_bands_are_over_cases_not_slides():
    """Each slide four times over: the curve stays, and so does the band, which resampled slides would halve."""
    once = guesses("t", "one", 2, n=120)
    tables = [pd.DataFrame(curves_of(iter([("t", "one", table)]))) for table in (once, pd.concat([once] * 4))]
    ranked = [table[table.curve != "reliability"] for table in tables]
    for column in ("y", "lower", "upper"):
        np.testing.assert_allclose(ranked[0][column], ranked[1][column], atol=1e-9)


def test_drawn_with_bands_and_every_task_in_the_table(tmp_path):
    tables = [guesses(f"a--t{k}", "one", 2 + (k == 1)) for k in range(MOST + 1)] + [guesses("a--t0", "two", 2)]
    survival = pd.DataFrame({"task": ["a--os"], "model": ["one"], "risk": [1.0], "protocol": ["cox"]})
    permuted = guesses("a--none", "one", 2).assign(protocol="logistic_C=1")
    out = {"figure": tmp_path / "c.svg", "table": tmp_path / "c.tsv", "note": "synthetic"}
    plot_curves(predictions=write(tmp_path, *tables, survival, permuted), models=MODELS, **out)
    drawn = read_tsv(out["table"])
    assert set(drawn.task) == {f"a--t{k}" for k in range(MOST + 1)}
    numbers = drawn[["y", "lower", "upper"]].astype(float)
    assert (numbers.y <= 1).all()
    assert (numbers.lower <= numbers.upper).all()
    assert ((numbers.lower - 1e-9 <= numbers.y) & (numbers.y <= numbers.upper + 1e-9)).mean() > 0.95
    chance = drawn[(drawn.task == "a--t1") & (drawn.curve == "precision_recall")].chance.astype(float)
    assert chance.iloc[0] == pytest.approx(1 / 3, abs=1e-3)
    text = (tmp_path / "c.svg").read_text()
    assert f"the first {MOST} of {MOST + 1} tasks" in text
    assert "100 cases" in text
    assert Image.open(tmp_path / "c.png").width < 3000


@pytest.mark.parametrize("classes", [2, 30])
def test_a_confusion_matrix_has_the_recall_of_each_class(tmp_path, classes):
    table = guesses("a--t", "one", classes, n=900, strength=4)
    names = [f"diagnosis of kind {k} with a name" if classes > 2 else f"kind {k}" for k in range(classes)]
    settings = {"task_col": "y", "sample_col": "slide_id", "label_dict": dict(enumerate(names)), "metrics": ["bacc"]}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings))
    rows = [{"slide_id": row.sample_id, "case_id": row.case_id, "y": row.label} for row in table.itertuples()]
    write_table(tmp_path / "k=all.tsv", rows)
    out = {"figure": tmp_path / "m.svg", "table": tmp_path / "m.tsv", "note": ""}
    tasks = {"a--t": [str(tmp_path / "config.yaml"), str(tmp_path / "k=all.tsv")]}
    paths = write(tmp_path, table)
    plot_confusion(predictions=paths, tasks=tasks, models=MODELS, reference="one", **out)
    drawn = read_tsv(out["table"])
    assert len(drawn) == classes**2
    guess = table[[f"prob_{k}" for k in range(classes)]].to_numpy().argmax(1)
    for code, name in enumerate(names):
        cell = drawn[(drawn.truth == name) & (drawn.guess == name)].iloc[0]
        assert float(cell.share) == pytest.approx((guess[table.label == code] == code).mean(), abs=1e-9)
    shares = drawn.assign(share=drawn.share.astype(float)).groupby("truth").share.sum()
    np.testing.assert_allclose(shares, 1, atol=1e-9)
    assert Image.open(tmp_path / "m.png").width < 3000
