"""The battery of confounders on synthetic tasks: what it names and leaves alone, what it says of odd columns."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from molpath.demo.confounded import draw_confounded
from molpath.probe.confounders.battery import assess
from molpath.probe.confounders.verdict import judge
from molpath.probe.tasks import Task
from planted_confounders import SETTINGS, battery_of, false_alarms, folds_of, judged, planted_task, predicted, slides_of
from sklearn.linear_model import Ridge
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv
from statsmodels.stats.proportion import proportion_confint


@pytest.fixture(scope="module")
def planted():
    """A task whose label goes with the site, and has biology."""
    return planted_task(240, 0.6, 2.0, 1)


@pytest.fixture(scope="module")
def battery(planted):
    """Its battery, with columns of every odd kind."""
    task, predictions, drawn = planted
    rng = np.random.default_rng(0)
    table = drawn.columns.assign(
        constant="x",
        identity=[f"id{k}" for k in range(240)],
        label=np.array(["mutiert é", "野生型"])[drawn.labels],
        rare=["solo"] + ["a", "b"] * 119 + ["uno"],
        missing=[""] * 200 + ["a", "b"] * 20,
        empty="",
        score=np.where(rng.random(240) < 0.7, 0, rng.normal(size=240)),
    )
    return assess(task, predictions, table, list(table), SETTINGS, drawn.embeddings, 99, 100)


def test_association_is_as_planted():
    drawn = draw_confounded(40000, 0.6)
    upper = drawn.columns.site.isin(["North", "East"]).to_numpy()
    assert abs(np.corrcoef(upper, drawn.labels)[0, 1]) == pytest.approx(0.6, abs=0.02)
    first, again = draw_confounded(30, 0.3, 2.0, 7), draw_confounded(30, 0.3, 2.0, 7)
    assert (first.embeddings == again.embeddings).all()
    assert first.columns.equals(again.columns)


@pytest.mark.parametrize(
    ("v", "signal", "verdict"),
    [(0.0, 0.0, "cannot tell"), (0.0, 2.0, "independent"), (0.6, 0.0, "explained"), (0.6, 2.0, "partly")],
)
def test_planted_confounders_are_named(v, signal, verdict):
    judgements = [
        judged(*planted_task(300, v, signal, seed), permutations=99, bootstraps=100) for seed in range(100, 108)
    ]
    assert sum(row["verdict"] == verdict for row in judgements) >= 7, [row["reason"] for row in judgements]


def test_a_column_that_knows_nothing_is_named_nothing(battery):
    rows = battery.confounders.set_index("column")
    assert rows.verdict["site"] == "partly"
    assert rows.verdict["sex"] == "independent"
    assert rows.alone["site"] > 0.7
    assert rows.alone_lower["sex"] < 0.5 < rows.alone_upper["sex"]


def test_each_odd_column_has_a_row_that_says_what_it_is(battery):
    rows = battery.confounders.set_index("column")
    assert rows.reason["constant"] == "cannot tell: one value only"
    assert rows.reason["identity"] == "cannot tell: as many values as cases"
    assert rows.reason["empty"] == "cannot tell: no case has a value"
    assert rows.reason["label"] == "cannot tell: no group has cases of different labels (n 240)"
    assert rows.association["label"] == pytest.approx(1)
    assert (rows.n["missing"], rows.n_missing["missing"]) == (40, 200)
    strata = battery.strata.set_index(["column", "stratum"])
    assert strata.note["label", "mutiert é"].startswith("one class only: ")
    assert (
        strata.note["rare", "solo"] == "one class only: 1 " + strata.labels["rare", "solo"].split("1 ")[1].split(",")[0]
    )
    assert strata.n["missing", "(missing)"] == 200
    assert len(strata.loc["identity"]) == 240
    assert rows.note["score"].endswith("fewer because of ties")


def test_every_column_has_all_tables_and_every_group_its_cases(battery):
    columns = set(battery.confounders.column)
    assert set(battery.strata.column) | {"empty"} == columns
    assert set(battery.gaps.column) == columns
    assert (battery.strata.groupby("column").n.sum() == 240).all()
    groups = battery.subgroups.drop_duplicates(["column", "group"])
    assert (groups.groupby("column").n.sum() == 240).all()
    small = groups[groups.n < 10]
    assert len(small)
    assert small.note.str.startswith("n too small: ").all()
    assert small.value.isna().all()


def test_rates_of_a_group_are_counted_and_have_wilsons_interval(battery, planted):
    task, predictions, drawn = planted
    positive = predictions.set_index("case_id").loc[task.samples].prob_1.to_numpy() > 0.5
    rows = battery.subgroups[battery.subgroups.column == "sex"].set_index(["group", "metric"])
    for group in ("female", "male"):
        for metric, label in (("tpr", 1), ("fpr", 0)):
            members = (drawn.columns.sex == group).to_numpy() & (task.labels == label)
            row = rows.loc[group, metric]
            assert row.value == pytest.approx(positive[members].mean())
            interval = proportion_confint(positive[members].sum(), members.sum(), method="wilson")
            assert (row.lower, row.upper) == pytest.approx(interval, abs=1e-9)


def test_a_group_that_the_model_fails_is_the_largest_gap():
    task, predictions, drawn = planted_task(240, 0.0, 3.0, 2)
    sex = (drawn.columns.sex == "male").to_numpy()
    worse = predictions.set_index("case_id").loc[task.samples].reset_index()
    worse.loc[sex, "prob_1"] = np.random.default_rng(0).random(sex.sum())
    worse["prob_0"] = 1 - worse.prob_1
    gaps = assess(task, worse, drawn.columns, ["sex"], SETTINGS, drawn.embeddings, 199, 50).gaps.set_index("metric")
    assert (gaps.lowest["AUC"], gaps.highest["AUC"], gaps.p["AUC"]) == ("male", "female", 1 / 200)
    assert gaps.p["tpr"] <= 0.01


def test_slides_of_a_case_change_no_number(planted):
    task, predictions, drawn = planted
    repeated, of_slides = slides_of(task, predictions, 2)
    args = (drawn.columns, ["site"], SETTINGS)
    once = assess(task, predictions, *args, drawn.embeddings, 19, 20)
    twice = assess(repeated, of_slides, *args, np.repeat(drawn.embeddings, 2, axis=0), 19, 20)
    for name in ("confounders", "strata", "subgroups", "gaps"):
        pd.testing.assert_frame_equal(getattr(once, name), getattr(twice, name), atol=1e-9)


def test_without_embeddings_it_says_what_it_could_not_do(planted):
    task, predictions, drawn = planted
    row = assess(task, predictions, drawn.columns, ["site"], SETTINGS, None, 19, 20).confounders.iloc[0]
    assert row.how == "scores taken as given: P too small"
    assert row.gain_note == "not computed: no embeddings given"
    assert np.isnan(row.gain)


def test_embeddings_that_fit_no_case_are_refused(planted):
    task, predictions, drawn = planted
    broken = drawn.embeddings.copy()
    broken[3, 1] = np.inf
    with pytest.raises(ValueError, match="embedding of case-0003"):
        assess(task, predictions, drawn.columns, ["site"], SETTINGS, broken)
    with pytest.raises(ValueError, match="239 embeddings of 240 samples"):
        assess(task, predictions, drawn.columns, ["site"], SETTINGS, broken[1:])


def other_kind(kind, cases=300):
    """A task of another kind whose label is the site's and the biology's, with predictions of a probe."""
    drawn = draw_confounded(cases, 0.5, 2.0, 5, 32)
    rng, names = np.random.default_rng(6), list(drawn.columns.index)
    task = Task("other", "case_id", names, drawn.labels, ["a", "b", "c"], folds_of(drawn.labels, 0), ["macro-ovr-auc"])
    x = drawn.embeddings
    if kind == "classes":
        task.labels[(task.labels == 1) & (rng.random(cases) < 0.4)] = 2
        return task, predicted(task, x), drawn
    task = dataclasses.replace(task, classes=[], labels=np.full(cases, -1))
    parts = []
    if kind == "regression":
        task.values = drawn.labels + 0.3 * rng.normal(size=cases)
    else:
        hazards = rng.exponential(100 / np.exp(3 * drawn.labels))
        task.times, task.events = np.minimum(hazards, 150), hazards < 150
    for fold in range(5):
        train, test = (np.flatnonzero(task.folds[:, fold] == side) for side in ("train", "test"))
        rows = pd.DataFrame({"case_id": [names[k] for k in test], "fold": fold})
        if kind == "regression":
            rows["predicted"] = Ridge(30).fit(x[train], task.values[train]).predict(x[test])
        else:
            cox = CoxPHSurvivalAnalysis(alpha=30).fit(x[train], Surv.from_arrays(task.events[train], task.times[train]))
            rows["risk"] = cox.predict(x[test])
        parts.append(rows)
    return task, pd.concat(parts, ignore_index=True), drawn


@pytest.mark.parametrize("kind", ["classes", "regression", "survival"])
def test_tasks_of_every_kind_are_judged(kind):
    task, predictions, drawn = other_kind(kind)
    assessed = assess(task, predictions, drawn.columns, ["site", "sex"], SETTINGS, drawn.embeddings, 99, 50)
    rows = assessed.confounders.set_index("column")
    assert list(rows.verdict) == ["partly", "independent"]
    assert rows.alone["site"] > 0.56
    assert rows.both["site"] > rows.covariates["site"]
    assert 0.5 < rows.within["site"] < rows.score["site"]
    assert rows.gain_lower["site"] > 0
    assert rows.p_gain["site"] == 0.01
    metrics = {"classes": "accuracy", "regression": "bias", "survival": "c-index"}
    assert metrics[kind] in set(assessed.subgroups.metric)


def test_rules_of_the_verdict():
    row = {"unusable": "", "n": 100, "p_score": 0.01, "within": 0.6, "score": 0.8, "left": 0.2, "fall_lower": 0.1}
    row |= {"fall_upper": 0.3}
    row |= {"p_association": 0.001, "p_lean": 0.01, "p_within": 0.01, "left_upper": 0.5}
    assert judge(row)[0] == "partly"
    assert judge(row | {"p_within": 0.2})[0] == "explained"
    assert judge(row | {"p_lean": 0.2})[0] == "independent"
    assert judge(row | {"p_association": 0.02})[0] == "independent"
    assert judge(row | {"p_within": np.nan, "p_lean": np.nan})[1].startswith("cannot tell: n 100 is too small")
    assert judge(row | {"p_score": 0.3})[1].startswith("cannot tell: the score is at chance: 0.800 over all (P 0.3)")
    assert judge(row | {"p_score": np.nan})[1].startswith("cannot tell: no cases of different labels")
    assert judge(row | {"unusable": "one value only"}) == ("cannot tell", "cannot tell: one value only")


@pytest.mark.slow
def test_exchanges_with_the_probe_refitted_err_as_often_as_they_say():
    alarms = false_alarms(200, 0.6)
    assert alarms["score within, refitted"] <= 0.09
    assert alarms["gain, refitted"] <= 0.09
    assert alarms["likelihood ratio"] > 0.09


@pytest.mark.slow
def test_a_battery_of_the_paper_takes_under_a_minute():
    import time

    start = time.process_time()
    assert len(battery_of(1000, 1024, 10).confounders) == 10
    assert time.process_time() - start < 60
