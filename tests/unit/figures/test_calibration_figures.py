"""Reliability diagrams and decision curves against hand computations; everything written by one call, same bytes."""

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import read_tsv
from molpath.figures.calibration import calibrate_probes
from molpath.figures.decisions import THRESHOLDS, net_benefit, treat_all
from molpath.figures.decisions import points_of as decision_points
from molpath.figures.reliability import bins_of
from molpath.figures.reliability import points_of as reliability_points
from molpath.probe.baseline import survival_at
from molpath.probe.recalibration import Predictions
from molpath.probe.temperature import tempered
from molpath.tables.calibration import probe_of
from PIL import Image
from projects import write_table

MODELS = {"one": ["one", ""], "two": ["two", ""]}


def guesses(task="a--t", model="one", n=120, classes=2, factor=2.0, seed=0):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, classes)) * 1.3
    labels = (rng.random(n)[:, None] > tempered(logits, 1).cumsum(1)).sum(1)
    table = pd.DataFrame({"task": task, "model": model, "group": "frozen", "protocol": "logistic"}, index=range(n))
    table = table.assign(fold=np.arange(n) % 4, case_id=[f"c{k:03d}" for k in range(n)], label=labels)
    return table.assign(**{f"prob_{k}": tempered(logits * factor, 1)[:, k] for k in range(classes)})


def survivors(task="a--os", model="one", n=150):
    rng = np.random.default_rng(1)
    risk = rng.normal(size=n)
    died, left = rng.exponential(1200 / np.exp(risk)), rng.uniform(100, 3000, n)
    time, event = np.minimum(died, left), died <= left
    table = pd.DataFrame({"task": task, "model": model, "group": "frozen", "protocol": "cox"}, index=range(n))
    table = table.assign(fold=0, case_id=[f"c{k:03d}" for k in range(n)], time=time, event=event, risk=risk)
    survival = survival_at(risk, time, event, risk, [365, 1095])
    return table.assign(cutoff=0.0, survival_365=survival[:, 0], survival_1095=survival[:, 1])


def test_net_benefit_by_hand():
    """At 0.25 four of five are treated, two rightly: 2/5 - 2/5 x 1/3; at 0.6 one, rightly; at 0.9 nobody."""
    positive = np.array([True, True, False, False, True])
    probability = np.array([0.8, 0.3, 0.25, 0.5, 0.1])
    benefit = net_benefit(positive, probability, np.ones((1, 5)))[0]
    at = {round(float(threshold), 2): value for threshold, value in zip(THRESHOLDS, benefit, strict=True)}
    assert at[0.25] == pytest.approx(2 / 5 - 2 / 5 / 3)
    assert at[0.6] == pytest.approx(1 / 5)
    assert at[0.9] == 0
    twice = net_benefit(positive, probability, np.array([[2.0, 0, 1, 0, 0]]))[0]
    assert twice[24] == pytest.approx(2 / 3 - 1 / 3 / 3)


def test_acting_on_all_is_a_probability_of_one_and_on_none_of_zero():
    positive = np.arange(10) < 3
    assert net_benefit(positive, np.ones(10), np.ones((1, 10)))[0] == pytest.approx(treat_all(0.3))
    assert treat_all(0.3)[29] == pytest.approx(0)  # worth nothing where the threshold is the prevalence
    assert (net_benefit(positive, np.zeros(10), np.ones((1, 10))) == 0).all()


def test_decision_curves_of_each_class_and_stage():
    rows = pd.DataFrame(decision_points(probe_of(guesses(classes=3)), ["low", "middle", "high"]))
    assert set(zip(rows.positive, rows.stage, strict=True)) == {
        (name, stage) for name in ("low", "middle", "high") for stage in ("before", "after")
    }
    assert len(rows) == 6 * len(THRESHOLDS)
    assert (rows.lower <= rows.upper).all()
    binary = pd.DataFrame(decision_points(probe_of(guesses()), ["no", "yes"]))
    assert set(binary.positive) == {"yes"}
    first = binary[(binary.stage == "before") & (binary.threshold == 0.5)].iloc[0]
    table = guesses()
    acted = table.prob_1 >= 0.5
    assert first.net_benefit == pytest.approx(((table.label == 1) & acted).mean() - ((table.label == 0) & acted).mean())


def test_bins_by_hand():
    """Twenty cases in two bins, cut at the median row; a case of two rows weighs one, and bands are over cases."""
    scores = np.append(np.linspace(0.1, 0.48, 20), 0.1)
    labels = np.append(np.arange(20) % 2, 0)
    predictions = Predictions(labels, np.stack([1 - scores, scores], 1), np.append(np.arange(20), 0))
    points = pd.DataFrame(bins_of(predictions, predictions.drawn(200, 0)))
    assert points.cases.tolist() == [9, 11]
    assert points.predictions.tolist() == [10, 11]
    assert points.predicted.tolist() == pytest.approx([scores[:9].mean(), scores[9:20].mean()])
    assert points.observed.tolist() == pytest.approx([4 / 9, 6 / 11])
    assert ((points.lower > 0) & (points.lower < 0.4) & (points.upper > 0.6) & (points.upper < 1)).all()


def test_right_probabilities_are_within_their_bands():
    points = pd.DataFrame(reliability_points(probe_of(guesses(n=2000, factor=1))))
    assert set(points.stage) == {"before", "after"}
    inside = (points.lower <= points.predicted) & (points.predicted <= points.upper)
    assert inside.mean() >= 0.8
    off = pd.DataFrame(reliability_points(probe_of(guesses(n=2000, factor=3))))
    assert (off[off.stage == "before"].predicted - off[off.stage == "before"].observed).abs().max() > 0.1
    assert (off[off.stage == "after"].predicted - off[off.stage == "after"].observed).abs().max() < 0.1


def written(folder, tables):
    """Outputs of one call over tables of predictions."""
    folder.mkdir()
    names = {
        "table": "t.tsv",
        "survival": "s.tsv",
        "page": "p.html",
        "reliability": "r.svg",
        "reliability_table": "r.tsv",
    }
    names |= {"decisions": "d.svg", "decisions_table": "d.tsv", "survival_figure": "k.svg", "survival_groups": "k.tsv"}
    outputs = {name: str(folder / file) for name, file in names.items()}
    paths, tasks = [], {}
    for number, table in enumerate(tables):
        paths.append(folder / f"{number}.parquet")
        table.to_parquet(paths[-1])
        task = folder / table.task[0]
        task.mkdir(exist_ok=True)
        labels = "{0: low, 1: high, 2: highest}" if "prob_2" in table else "{0: low, 1: high}"
        text = f"task_col: grade\nsample_col: case_id\nlabel_dict: {labels}\nmetrics: [bacc]\n"
        (task / "config.yaml").write_text(text)
        rows = [{"case_id": name, "slide_id": name, "grade": "0", "fold_0": "train"} for name in table.case_id]
        write_table(task / "k=all.tsv", rows)
        tasks[table.task[0]] = (str(task / "config.yaml"), str(task / "k=all.tsv"))
    calibrate_probes(
        predictions=list(map(str, paths)),
        tasks=tasks,
        models=MODELS,
        reference="one",
        outputs=outputs,
        note="synthetic",
    )
    return outputs


def test_everything_is_drawn_and_is_the_same_again(tmp_path):
    tables = [guesses(), guesses(model="two"), guesses("a--three", classes=3), survivors()]
    first, again = (written(tmp_path / name, tables) for name in ("first", "again"))
    for name, path in first.items():
        with open(path, "rb") as drawn, open(again[name], "rb") as other:
            assert drawn.read() == other.read(), name
    assert len(read_tsv(first["table"])) == 3
    assert set(read_tsv(first["survival"]).days) == {"365", "1095"}
    curves = read_tsv(first["decisions_table"])
    assert set(curves[curves.task == "a--three"].positive) == {"low", "high", "highest"}
    for name in ("reliability", "decisions", "survival_figure"):
        with open(first[name]) as handle:
            assert "synthetic" in handle.read()
        with Image.open(first[name].replace(".svg", ".png")) as picture:
            assert min(picture.size) > 300
    with open(first["page"]) as handle:
        page = handle.read()
    assert "Calibration of the probes (synthetic)" in page
    assert page.count("<h2>") == 2


def test_nothing_to_draw_says_so(tmp_path):
    """Only a number is predicted: empty tables with their columns, and figures that say why."""
    number = guesses().drop(columns=["prob_0", "prob_1"]).assign(value=1.0, predicted=1.0)
    outputs = written(tmp_path / "none", [number])
    assert read_tsv(outputs["table"]).empty
    with open(outputs["reliability"]) as handle:
        assert "no frozen probe of a task with classes has predictions" in handle.read()
    with open(outputs["survival_figure"]) as handle:
        assert "no frozen Cox probe has predicted survival" in handle.read()
