"""Risk groups and their log-rank tests, recomputed by hand and by another library."""

from time import process_time

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import logrank_test
from molpath.tables.survival import assess_survival, compare_groups, permuted_p, risk_groups, signed_logrank
from schema_defaults import defaults_of
from scipy import stats
from tested_models import job, run


def survival_table(seed, hazard, n=120, folds=4, **columns):
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=n)
    time = rng.exponential(100 * np.exp(-hazard * risk))
    table = pd.DataFrame({"sample_id": [f"C{i}" for i in range(n)], "fold": np.arange(n) % folds, "time": time})
    return table.assign(event=rng.random(n) < 0.7, risk=risk, **columns)


def logrank_by_hand(samples):
    """Chi-square of observed minus expected deaths in the high group, summed over times of death."""
    gap = variance = 0.0
    for time in sorted(samples.time[samples.event].unique()):
        at_risk, died = samples[samples.time >= time], samples[(samples.time == time) & samples.event]
        n, k, d = len(at_risk), at_risk.high.sum(), len(died)
        gap += died.high.sum() - d * k / n
        variance += d * k / n * (1 - k / n) * (n - d) / max(n - 1, 1)
    return gap**2 / variance


def test_risk_groups_are_cut_at_the_training_median_and_tested_by_hand(tmp_path):
    table = survival_table(0, 1.0, cutoff=0.3)
    samples, cut = risk_groups(table)
    assert cut.endswith("training side")
    assert samples.high.sum() == (table.risk > 0.3).sum()
    rows = compare_groups(samples, {})
    assert rows[0]["statistic"] == pytest.approx(np.sqrt(logrank_by_hand(samples)))
    assert rows[0]["p_logrank"] == pytest.approx(stats.chi2.sf(rows[0]["statistic"] ** 2, 1))
    assert rows[0]["p_logrank"] < 0.01
    assert 1 < rows[0]["lower"] < rows[0]["hazard_ratio"] < rows[0]["upper"]
    wrong = compare_groups(samples.assign(high=~samples.high), {})[0]
    assert wrong["statistic"] == pytest.approx(-rows[0]["statistic"])
    assert wrong["hazard_ratio"] == pytest.approx(1 / rows[0]["hazard_ratio"], rel=1e-4)
    assert [row["n"] for row in rows] == [(~samples.high).sum(), samples.high.sum()]
    without, cut = risk_groups(table.drop(columns="cutoff"))
    assert cut.endswith("test side")
    assert without.high.sum() == 60


def test_samples_of_many_folds_count_once():
    table = pd.concat([survival_table(1, 1.0, cutoff=value).assign(fold=k) for k, value in enumerate([-9.0, 0.0, 0.0])])
    samples, _ = risk_groups(table)
    assert len(samples) == 120
    assert samples.high.sum() == (survival_table(1, 1.0).risk > 0).sum()


def add_permutations(path, count):
    """Rows of the permuted control: times and events of other cases with each risk."""
    table, rng = pd.read_parquet(path), np.random.default_rng(0)
    parts = [table.assign(repeat=0)]
    for repeat in range(count):
        order = rng.permutation(len(table))
        moved = {name: table[name].to_numpy()[order] for name in ("time", "event")}
        parts.append(table.assign(repeat=repeat, protocol="permuted", **moved))
    pd.concat(parts).to_parquet(path)


def test_survival_table_figure_and_shuffled_risk(tmp_path):
    jobs = [job(tmp_path, "threads", "s--OS", [0.7], protocol="cox", predictions=survival_table(2, 1.2, cutoff=0.0))]
    shuffled = survival_table(2, 1.2, cutoff=0.0)
    shuffled["risk"] = np.random.default_rng(9).permutation(shuffled.risk)
    jobs.append(job(tmp_path, "mean", "s--OS", [0.5], protocol="cox", predictions=shuffled))
    for _, path in jobs:
        add_permutations(path, 39)
    numbers = ["p", "p_adjusted", "hazard_ratio", "lower", "upper", "permutations"]
    table = run(tmp_path, jobs)["survival"].astype(dict.fromkeys(numbers, float)).set_index(["model", "risk"])
    assert set(table.permutations) == {39}
    assert table.p["threads", "high"] == 1 / 40
    assert table.p["mean", "high"] > 0.05
    assert table.p_adjusted["threads", "low"] == pytest.approx(2 * table.p["threads", "low"])
    assert table.p_adjusted["mean", "low"] == pytest.approx(table.p["mean", "low"])
    assert table.lower["threads", "high"] > 1
    before = (tmp_path / "c.svg").read_bytes()
    run(tmp_path, jobs)
    assert (tmp_path / "c.svg").read_bytes() == before
    for words in (b"permutation P = 0.025", b"HR ", b"days; below: at risk"):
        assert words in before


def test_without_permutations_there_is_no_p(tmp_path):
    jobs = [job(tmp_path, "mean", "s--OS", [0.7], protocol="cox", predictions=survival_table(2, 1.2, cutoff=0.0))]
    table = run(tmp_path, jobs, models=["mean"])["survival"]
    assert set(table.p) == {""}
    assert (table.p_logrank.astype(float) < 1e-4).all()
    assert set(table.note) == {"no permutations: the log-rank P alone finds too much"}


def test_slides_of_a_case_are_one_patient():
    table = survival_table(1, 1.0, cutoff=0.0)
    slides = pd.concat([table.assign(case_id=table.sample_id, sample_id=table.sample_id + f"-{i}") for i in range(3)])
    cases, _ = risk_groups(slides)
    assert len(cases) == 120
    assert compare_groups(cases, {}) == compare_groups(risk_groups(table)[0], {})


def test_one_group_alone_is_not_tested():
    samples, _ = risk_groups(survival_table(3, 1.0, cutoff=99.0))
    rows = compare_groups(samples, {})
    assert rows[0]["note"] == "not tested: every case is in one group"
    assert rows[1]["n"] == 0


def test_a_group_that_no_event_finds_at_risk_is_not_tested():
    """The one at high risk is censored before anybody dies: the log-rank test has no variance."""
    times = pd.DataFrame({"time": [5.0, 4, 3, 1], "event": [False, True, True, False], "high": [False] * 3 + [True]})
    rows = compare_groups(times, {})
    assert rows[0]["note"] == "not tested: no event finds both groups at risk"
    assert np.isnan(rows[0]["hazard_ratio"])


def test_signed_logrank_is_that_of_another_library_with_ties():
    for seed in range(5):
        table = survival_table(seed, 0.5, n=40).assign(time=lambda frame: np.ceil(frame.time / 20))
        high = table.risk.to_numpy() > 0
        peer = logrank_test(*(table.time[side] for side in (high, ~high)), *(table.event[s] for s in (high, ~high)))
        statistic = signed_logrank(table.time.to_numpy(), table.event.to_numpy(), high)
        assert statistic**2 == pytest.approx(peer.test_statistic)


def draws_of(table, count, **columns):
    """Permutations of a table of predictions: times and events of other cases."""
    rng = np.random.default_rng(0)
    parts = []
    for repeat in range(count):
        order = rng.permutation(len(table))
        moved = {name: table[name].to_numpy()[order] for name in ("time", "event")}
        parts.append(table.assign(repeat=repeat, protocol="permuted", **moved, **columns))
    return pd.concat(parts)


def test_a_permutation_is_compared_on_the_folds_that_both_have():
    """A fold that the data lack is in no permutation either; draws that lost most of theirs don't count."""
    table = survival_table(2, 1.2, cutoff=0.0, folds=5)
    first_folds, null = table[table.fold != 4], draws_of(table, 39)
    assert permuted_p(first_folds, null) == permuted_p(first_folds, null[null.fold != 4])
    few = null[(null.repeat > 9) | (null.fold == 0)]
    assert permuted_p(table, few)[1] == 29


def test_p_that_no_model_can_reach_is_reported_and_199_permutations_reach_it():
    """Eight models: with 20 permutations nothing survives Holm, however strong; with 199 it does, in seconds."""
    tables = [survival_table(2, 1.2, cutoff=0.0).assign(task="t", group="frozen", model=f"m{i}") for i in range(8)]
    few, _ = assess_survival([(table, draws_of(table, 20)) for table in tables])
    assert (few.p_adjusted > 0.05).all()
    assert set(few.note) == {
        "20 permutations: P is 0.048 at least, 0.38 adjusted over 8 tests; raise survival_permutations above 159"
    }
    began = process_time()
    joint, _ = assess_survival([(table, draws_of(table, 199)) for table in tables])
    assert (joint.p_adjusted < 0.05).all()
    assert set(joint.note) == {""}
    assert process_time() - began < 10  # 8 x 199 log-rank tests, that took 24 s by data frames
    assert defaults_of("probe")["survival_permutations"] == 199
