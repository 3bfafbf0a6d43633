"""Survival at days: Kaplan-Meier as lifelines has it, Brier as scikit-survival, true hazards on the diagonal."""

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from molpath.tables.survival_calibration import (
    BEYOND,
    NO_BRIER,
    NOTHING,
    by_case,
    kaplan_meier,
    observed_with_interval,
    read_survival,
    squared_error,
    tabulate,
)
from sksurv.metrics import brier_score
from sksurv.util import Surv

HEAD = {"task": "a--os", "model": "one", "protocol": "cox"}
DAYS = (200.0, 1000.0, 2000.0)


def drawn(n, seed=0, whole=False):
    """Exponential times with hazards of a risk, censored at random; the true survival at DAYS."""
    rng = np.random.default_rng(seed)
    hazard = np.exp(rng.normal(size=n)) / 1500
    died, left = rng.exponential(1 / hazard), rng.uniform(100, 6000, n)
    time = np.minimum(died, left)
    time = np.ceil(time / 50) * 50 if whole else time  # with ties, of deaths and censoring too
    table = pd.DataFrame({"time": time, "event": died <= left})
    return table.assign(**{f"survival_{day:g}": np.exp(-hazard * day) for day in DAYS})


@pytest.mark.parametrize("seed", range(5))
def test_kaplan_meier_and_its_interval_are_lifelines(seed):
    table = drawn(60, seed, whole=True)
    time, event = table.time.to_numpy(), table.event.to_numpy()
    for day in (50.0, 400.0, 1000.0):
        fitted = KaplanMeierFitter().fit(time, event)
        value, lower, upper = observed_with_interval(time, event, day)
        assert value == pytest.approx(fitted.predict(day))
        if 0 < value < 1:
            assert (lower, upper) == pytest.approx(tuple(fitted.confidence_interval_.loc[:day].iloc[-1]))


def test_weights_are_repeats():
    table = drawn(50, whole=True)
    time, event = table.time.to_numpy(), table.event.to_numpy()
    counts = np.random.default_rng(1).integers(0, 4, (6, 50))
    curves = kaplan_meier(time, event, counts.astype(float), 1000)
    for value, count in zip(curves, counts, strict=True):
        again = KaplanMeierFitter().fit(np.repeat(time, count), np.repeat(event, count))
        assert value == pytest.approx(again.predict(1000))


@pytest.mark.parametrize("whole", [False, True])
def test_brier_scores_are_scikit_survivals(whole):
    table = drawn(200, whole=whole)
    time, event = table.time.to_numpy(), table.event.to_numpy()
    outcomes = Surv.from_arrays(event, time)
    for day in DAYS:
        guess = table[f"survival_{day:g}"].to_numpy()
        assert squared_error(time, event, guess, day).mean() == pytest.approx(
            brier_score(outcomes, outcomes, guess, day)[1][0]
        )


def test_true_hazards_are_on_the_diagonal_and_halved_ones_above():
    cases = by_case(drawn(3000).assign(case_id=[f"c{k:04d}" for k in range(3000)]))
    rows, groups = map(pd.DataFrame, tabulate(HEAD, cases))
    assert rows.days.tolist() == list(DAYS)
    assert (rows.difference_lower < 0).all()
    assert (rows.difference_upper > 0).all()
    assert (rows.brier < rows.brier_null).all()
    assert ((rows.brier_lower < rows.brier) & (rows.brier < rows.brier_upper)).all()
    assert (groups.predicted - groups.observed).abs().max() < 0.06
    held = ((groups.lower <= groups.predicted) & (groups.predicted <= groups.upper)).mean()
    assert held > 0.8
    assert groups.groupby("days").n_cases.sum().tolist() == [3000] * 3
    halved = cases.copy()
    halved[list(DAYS)] = np.sqrt(cases[list(DAYS)])
    off = pd.DataFrame(tabulate(HEAD, halved)[0])
    assert (off.difference_lower > 0).all()
    assert (off.brier > rows.brier).all()


def test_a_case_counts_once_with_the_mean_of_its_rows():
    table = drawn(4).assign(case_id=list("abbc"))
    table.loc[2, ["time", "event"]] = table.loc[1, ["time", "event"]]
    cases = by_case(table)
    assert list(cases.index) == ["a", "b", "c"]
    assert cases.loc["b", 200.0] == pytest.approx(table.survival_200[1:3].mean())
    assert cases.time["b"] == table.time[1]


def test_horizons_without_an_answer_say_why():
    table = drawn(40).assign(case_id=[f"c{k:02d}" for k in range(40)], survival_200=np.nan, survival_9000=0.1)
    table.loc[0, "survival_1000"] = np.nan
    rows, groups = tabulate(HEAD, by_case(table))
    notes = {row["days"]: row["note"] for row in rows}
    assert notes[200.0] == NOTHING
    assert notes[9000.0] == BEYOND
    assert notes[1000.0].startswith("1 cases without a prediction; few cases: ")
    assert {group["days"] for group in groups} == {1000.0, 2000.0}


def test_follow_up_that_ends_at_the_horizon_has_no_brier_score():
    """Nobody is known to live longer, and the weight of a death on that day is one over zero."""
    time, event = np.array([100.0, 200, 365, 365, 365, 365]), np.array([True, False, True, False, False, False])
    cases = pd.DataFrame({"time": time, "event": event, 365.0: 0.6}, index=list("abcdef"))
    row, earlier = tabulate(HEAD, cases)[0][0], tabulate(HEAD, cases.rename(columns={365.0: 300.0}))[0][0]
    assert row["observed"] == pytest.approx(5 / 6 * 3 / 4)
    assert np.isnan([row["brier"], row["brier_lower"], row["brier_null"]]).all()
    assert NO_BRIER in row["note"]
    assert np.isfinite(earlier["brier"])
    assert NO_BRIER not in earlier["note"]
    everybody = tabulate(HEAD, cases.assign(event=True))[0][0]
    assert everybody["brier"] == pytest.approx(0.36)


def test_nobody_dies_or_everybody_has():
    """Survival of 1 and of 0 have no interval, and no error of prediction is divided by zero."""
    time = np.array([10.0, 20, 30, 40])
    assert observed_with_interval(time, np.array([False] * 4), 25)[0] == 1
    assert np.isnan(observed_with_interval(time, np.array([True] * 4), 40)[1:]).all()
    assert observed_with_interval(time, np.array([True] * 4), 40)[0] == 0
    assert np.isnan(observed_with_interval(time, np.array([True] * 4), 41)).all()
    assert squared_error(time, np.array([False] * 4), np.full(4, 0.9), 25) == pytest.approx([0, 0, 0.02, 0.02])


def test_only_cox_probes_with_predicted_survival_are_read(tmp_path):
    table = drawn(20).assign(case_id=[f"c{k:02d}" for k in range(20)], risk=0.0, fold=0, task="a--os", model="one")
    parts = [
        table.assign(protocol=name) for name in ("cox", "ridge_cox", "permuted", "site_only", "ridge_cox_permuted")
    ]
    pd.concat(parts).to_parquet(tmp_path / "a.parquet")
    parts[0].drop(columns=["survival_200", "survival_1000", "survival_2000"]).to_parquet(tmp_path / "b.parquet")
    parts[0].assign(model="other").to_parquet(tmp_path / "c.parquet")
    tables = list(read_survival([tmp_path / f"{name}.parquet" for name in "abc"], ["one"]))
    assert [head["protocol"] for head, _ in tables] == ["cox", "ridge_cox"]
