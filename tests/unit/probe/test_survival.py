"""Survival probes: scikit-survival's optimum by a shorter way, strengths by endpoint, folds without events."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter
from molpath.probe.cox import PartialLikelihood, rotate
from molpath.probe.intervals import summarise
from molpath.probe.jobs import cox_for
from molpath.probe.metrics import concordance
from molpath.probe.permuting import shuffled
from molpath.probe.probes import ProbeFailed, fit_cox, unit_of
from molpath.probe.protocols import probe_frozen
from molpath.probe.results import EMPTY, UNCONVERGED, fitted, sides
from molpath.probe.tasks import BadTask, Task, read_task
from molpath.tables.scores import enough, notes_of_folds
from molpath.tables.survival import assess_survival
from sklearn.exceptions import ConvergenceWarning
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

COX = {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000}
SETTINGS = {"C": 0.5, "max_iter": 10000, "cox": COX, "permutations": 0, "bootstraps": 20, "seed": 0}


def patients(n=120, width=20, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, width))
    times = rng.exponential(np.exp(-x[:, 3])) * 500 + 1
    times = np.ceil(times / 100) * 100 if ties else times
    return x, times, rng.random(n) < 0.7


@pytest.mark.parametrize(("n", "width", "ties"), [(100, 12, False), (100, 12, True), (50, 150, False), (50, 150, True)])
@pytest.mark.parametrize("alpha", [0.07, 2.0])
@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_ridge_cox_reaches_the_optimum_of_the_library(n, width, ties, alpha):
    x, times, events = patients(n + 30, width, ties=ties)
    library = CoxPHSurvivalAnalysis(alpha=alpha, tol=1e-12).fit(x[:n], Surv.from_arrays(events[:n], times[:n]))
    expected = library.predict(x[n:])
    settings = COX | {"l1_ratio": 0, "alpha": alpha}
    risks = fit_cox(x[:n], times[:n], events[:n], x[n:], settings)
    plain = fit_cox(x[:n], times[:n], events[:n], x[n:], settings | {"plain": True})
    np.testing.assert_allclose(plain, expected, rtol=1e-5, atol=1e-4)
    scale = np.abs(expected - expected.mean()).max()
    np.testing.assert_allclose(risks - risks.mean(), expected - expected.mean(), atol=2e-3 * scale)
    assert concordance(times[n:], events[n:], risks) == pytest.approx(
        concordance(times[n:], events[n:], expected), abs=1e-3
    )


def test_likelihood_is_that_of_lifelines():
    """The value of the likelihood, of another library, and its gradient by differences."""
    x, times, events = patients(60, 4)
    weights = np.array([0.3, -0.2, 0.5, 0.1])
    objective = PartialLikelihood(x, times, events, alpha=0.0)
    fitter = CoxPHFitter().fit(pd.DataFrame(x).assign(t=times, e=events), "t", "e")
    value, _ = objective(fitter.params_.to_numpy())
    assert -value * 60 == pytest.approx(fitter.log_likelihood_, abs=1e-6)
    value, gradient = PartialLikelihood(x, times, events, alpha=3.0)(weights)
    for axis in range(4):
        step = np.eye(4)[axis] * 1e-6
        slope = (PartialLikelihood(x, times, events, 3.0)(weights + step)[0] - value) / 1e-6
        assert gradient[axis] == pytest.approx(slope, abs=1e-4)


def test_rotation_keeps_every_product():
    x = np.random.default_rng(0).normal(size=(10, 40))
    mean, basis, z = rotate(x)
    assert z.shape == (10, 9)
    np.testing.assert_allclose(basis.T @ basis, np.eye(9), atol=1e-10)
    np.testing.assert_allclose(z @ z.T, (x - mean) @ (x - mean).T, atol=1e-9)


def task_of(x, times, events, folds, name="t--OS"):
    sides = np.full((len(x), folds), "train", object)
    sides[np.arange(len(x)), np.arange(len(x)) % folds] = "test"
    samples = [f"P{i}" for i in range(len(x))]
    strata = np.zeros(len(x), int)
    return Task(name, "case_id", samples, strata, ["-"], sides, ["cindex"], times, events, endpoint=name[-2:])


def test_folds_without_events_are_missing_with_their_reason_and_others_are_used():
    x, times, events = patients(90)
    events[np.arange(90) % 3 == 0] = False  # the test side of fold 0
    table = pd.DataFrame(probe_frozen(task_of(x, times, events, 3), x, SETTINGS).metrics)
    table = table[(table.protocol == "cox") & (table.metric == "cindex")].set_index("fold")
    assert np.isnan(table.value[0])
    assert table.note[0] == "no event on the test side"
    assert np.isfinite(table.value[1:]).all()
    assert (table.note[1:] == "").all()
    events[np.arange(90) % 3 != 1] = False  # fold 1 has none to train on
    table = pd.DataFrame(probe_frozen(task_of(x, times, events, 3), x, SETTINGS).metrics)
    row = table[(table.protocol == "cox") & (table.fold == 1)].iloc[0]
    assert np.isnan(row.value)
    assert row.note == "no event on the training side"
    with pytest.raises(ProbeFailed, match="no event"):
        fit_cox(x, times, events & False, x, COX)


def test_solver_that_fails_is_a_reason():
    x = np.random.default_rng(0).normal(size=(60, 80)) * 100
    times = np.argsort(np.argsort(-x[:, 0])) + 1.0  # the first column orders all: weights grow without end
    with pytest.raises(ProbeFailed, match="CoxNet: Numerical error"):
        fit_cox(x, times, times > 0, x, COX | {"alpha": 1e-4})


def test_permuted_survival_is_at_chance_and_times_are_judged():
    x, times, events = patients(150)
    settings = SETTINGS | {"permutations": 12, "further": ["ridge_cox"], "cox": COX | {"times": [200]}}
    table = pd.DataFrame(probe_frozen(task_of(x, times, events, 3), x, settings).metrics)
    means = table.groupby(["protocol", "metric"]).value.mean()
    assert means["cox", "cindex"] > 0.65
    assert means["ridge_cox", "cindex"] > 0.65
    assert means["cox", "auc@200d"] > 0.65
    assert abs(means["permuted", "cindex"] - 0.5) < 0.06


def read_survival_task(folder, rows, columns="OS_event\tOS_days", extra=("OS_event", "OS_days")):
    settings = {"task_col": "OS", "sample_col": "case_id", "extra_cols": list(extra), "task_type": "survival"}
    settings |= {"label_dict": {i: str(i) for i in range(8)}, "metrics": ["cindex"]}
    (folder / "config.yaml").write_text(json.dumps(settings))
    lines = [f"case_id\tslide_id\tOS\tfold_0\t{columns}", *("\t".join(row) for row in rows)]
    (folder / "k=all.tsv").write_text("\n".join(lines) + "\n")
    return read_task("t--OS", folder / "config.yaml", folder / "k=all.tsv")


def test_survival_is_read_in_days_and_by_its_own_endpoint(tmp_path):
    rows = [("01", "s1", "4", "train", "1", "2", "0", "24"), ("1", "s2", "0", "test", "0.0", "3.5", "1", "60")]
    columns = "PFS_event\tPFS_days\tOS_event\tOS_months"
    task = read_survival_task(tmp_path, rows, columns, extra=("OS_event", "OS_months"))
    assert task.samples == ["01", "1"]
    assert task.endpoint == "OS"
    assert task.events.tolist() == [False, True]
    assert task.times == pytest.approx([2 * 365.25, 5 * 365.25])
    task = read_survival_task(tmp_path, rows, columns, extra=("PFS_event", "PFS_days"))
    assert (task.endpoint, task.times.tolist(), task.events.tolist()) == ("PFS", [2, 3.5], [True, False])


@pytest.mark.parametrize(("event", "days", "message"), [
    ("1", "0", "row 3, column OS_days: '0' is not a positive time"), ("1", "-4", "'-4' is not a positive time"),
    ("1", "", "'' is not a positive time"), ("1", "inf", "'inf' is not a positive time"),
    ("1", "soon", "'soon' is not a positive time"),
    ("2", "5", "row 3, column OS_event: '2' is neither 1"), ("yes", "5", "'yes' is neither 1"),
])  # fmt: skip
def test_times_and_events_that_are_none_are_named(tmp_path, event, days, message):
    first = ("A", "s1", "4", "train", "1", "9")
    with pytest.raises(BadTask, match=message):
        read_survival_task(tmp_path, [first, ("B", "s2", "0", "test", event, days)])
    unlabelled = read_survival_task(tmp_path, [first, ("B", "s2", "", "test", event, days)])
    assert unlabelled.samples == ["A"]


def test_strength_by_endpoint_task_and_model():
    x, times, events = patients(12)
    cox = COX | {"alphas": {"PFS": 0.01}, "exceptions": [
        {"model": "prism", "task": "boehmk_--PFS", "alpha": 0.02}, {"task": "b--OS", "alpha": 0.5}]}  # fmt: skip

    def alpha(name, endpoint, model):
        task = task_of(x, times, events, 2, name)
        task.endpoint = endpoint
        return cox_for(cox, task, model)["alpha"]

    assert alpha("boehmk_--PFS", "PFS", "titan") == 0.01
    assert alpha("boehmk_--PFS", "PFS", "prism") == 0.02
    assert alpha("a--OS", "OS", "prism") == 0.07
    assert alpha("b--OS", "OS", "prism") == 0.5


def short(scale, settings=None):
    """A survival task whose embeddings have the given length, probed: settings, then rows over folds."""
    x, times, events = patients(100)
    folds = np.array([["test" if i % 5 == fold else "train" for fold in range(5)] for i in range(100)], object)
    names = [f"P{i}" for i in range(100)]
    task = Task("s--OS", "case_id", names, np.zeros(100, int), [], folds, ["cindex"], times, events)
    results = probe_frozen(task, (x * scale).astype(np.float32), SETTINGS | (settings or {}))
    return results, summarise(pd.DataFrame(results.metrics), pd.concat(results.predictions), 10, 0).set_index("metric")


def test_a_cox_model_without_a_coefficient_is_reported_and_counted_wherever_its_score_is_shown():
    results, over = short(0.001)
    rows = pd.DataFrame(results.metrics)
    assert set(rows[rows.metric == "cindex"].note) == {EMPTY}
    assert (over.loc["cindex", "mean"], over.loc["cindex", "n_empty"], over.loc["cindex", "n_failed"]) == (0.5, 5, 0)
    assert over.loc["cindex", "note"] == f"{EMPTY} in 5 of 5 fits"
    assert not enough(over.reset_index()).any()  # in no average, ranking or test
    assert notes_of_folds(over.reset_index())[0] == f"{EMPTY} in 5 of 5 folds"
    survival, _ = assess_survival([(predictions_of(results), pd.DataFrame())])
    assert set(survival.note) == {f"{EMPTY} in 5 of 5 folds, left out; not tested: no case is in a group"}
    assert set(survival.n) == {0}


def test_cases_of_folds_without_a_coefficient_are_in_no_risk_group():
    table = predictions_of(short(1.0)[0])
    table.loc[table.fold == 2, ["risk", "cutoff"]] = 0.0
    survival, samples = assess_survival([(table, pd.DataFrame())])
    assert survival.n.sum() == 80 == len(samples["s--OS", "frozen", "m"])
    assert survival.note[0].startswith(f"{EMPTY} in 1 of 5 folds, left out")


@pytest.mark.parametrize("length", [0.001, 1, 50])
def test_scaled_to_unit_a_penalty_means_the_same_whatever_the_length_of_embeddings(length):
    unit = short(length, {"scale": "unit", "permutations": 2})[1]
    same = short(7.0, {"scale": "unit", "permutations": 2})[1]
    np.testing.assert_allclose(unit["mean"], same["mean"], atol=0.02)
    assert unit["mean"].iloc[0] > 0.6
    assert unit.n_empty.iloc[0] == 0


def test_embeddings_are_used_unchanged_unless_requested():
    """The paper scales nothing."""
    _, over = short(0.001, {"scale": "none"})
    assert over.loc["cindex", "mean"] == 0.5
    assert unit_of(np.full((3, 2), 4.0), "none") == 1
    assert unit_of(np.full((3, 2), 4.0), "unit") == 1  # nothing varies
    assert unit_of(np.array([[0.0, 0], [6, 2]]), "unit") == pytest.approx(np.sqrt(5))


def predictions_of(results):
    return pd.concat(results.predictions).assign(task="s--OS", group="frozen", model="m")


def test_survival_has_permutations_of_its_own_and_ridge_cox_a_control():
    x, times, events = patients(n=60, width=5)
    task = task_of(x, times, events, 3)
    settings = {**SETTINGS, "permutations": 0, "survival_permutations": 7, "further": ["ridge_cox"]}
    results = probe_frozen(task, x, settings)
    table = pd.DataFrame(results.metrics)
    for name in ("permuted", "ridge_cox_permuted"):
        assert set(table[table.protocol == name].repeat) == set(range(7))
        assert table[table.protocol == name].fold.nunique() == 3
    kept = pd.concat(results.predictions)
    of_fold = kept[(kept.protocol == "ridge_cox_permuted") & (kept.repeat == 3) & (kept.fold == 1)]
    order, (train, test) = shuffled(task, SETTINGS["seed"], 3), sides(task, 1)
    alone = {**SETTINGS["cox"], "l1_ratio": 0, "alpha": 1, "plain": False}
    risk = fit_cox(x[train], times[order][train], events[order][train], x[test], alone)
    np.testing.assert_allclose(of_fold.risk - of_fold.risk.mean(), risk - risk.mean(), atol=1e-5)


def test_warnings_of_the_solver_are_notes_and_others_pass():
    x, times, events = patients(n=60, width=5)
    task = task_of(x, times, events, 3)
    strong = {**SETTINGS, "cox": COX | {"alpha": 50.0}}
    table = pd.DataFrame(probe_frozen(task, x, strong).metrics)
    assert set(table.note[table.metric == "cindex"]) == {EMPTY}

    def predict(train, test):
        warnings.warn("divide by zero", RuntimeWarning, stacklevel=1)
        warnings.warn("lbfgs failed to converge", ConvergenceWarning, stacklevel=1)
        return np.zeros(len(test))

    with pytest.warns(RuntimeWarning, match="divide by zero") as warned:
        assert fitted(predict, np.arange(3), np.arange(2))[1] == [UNCONVERGED]
    assert [warning.category for warning in warned] == [RuntimeWarning]
