"""Contrasts over folds and tasks, each against another way to the same number; boundaries and too little data."""

import itertools

import numpy as np
import pandas as pd
import pytest
from molpath.common.files import write_tsv
from molpath.tables.contrasts import (
    ANOVA,
    CORRECTED,
    DELONG,
    across_tasks,
    adjusted,
    corrected_t,
    holm,
    tukey_p,
    within_task,
)
from molpath.tables.tests import assess_families, fold_scores
from scipy import stats


def scores(rows, models, seed=0, effect=0.05, between=0.1, noise=0.02):
    """Scores with an effect of rows (folds, tasks) and of models."""
    rng = np.random.default_rng(seed)
    values = 0.7 + rng.normal(0, between, (rows, 1)) + effect * np.arange(models) + rng.normal(0, noise, (rows, models))
    return pd.DataFrame(values, columns=[f"m{i}" for i in range(models)])


def sums_of_squares(values):
    """F of models and residual mean square of rows x models, from the definition."""
    x = values.to_numpy()
    n, m = x.shape
    model = n * ((x.mean(0) - x.mean()) ** 2).sum() / (m - 1)
    rest = x - x.mean(0) - x.mean(1, keepdims=True) + x.mean()
    return model / ((rest**2).sum() / (m - 1) / (n - 1)), (rest**2).sum() / (m - 1) / (n - 1)


def test_two_models_over_folds_are_a_paired_t_test():
    values = scores(8, 2)
    first, contrast = within_task(values)
    paired = stats.ttest_rel(values.m0, values.m1)
    assert first["statistic"] == pytest.approx(paired.statistic**2)
    assert first["p"] == pytest.approx(paired.pvalue)
    assert contrast["statistic"] == pytest.approx(paired.statistic)
    assert contrast["p"] == pytest.approx(paired.pvalue)
    assert contrast["p_adjusted"] == pytest.approx(paired.pvalue, rel=1e-6)  # one pair: nothing to adjust for


def test_many_models_over_folds_by_sums_of_squares():
    from statsmodels.stats.libqsturng import psturng

    values = scores(6, 4, seed=1, effect=0.02)
    rows = within_task(values)
    f, residual = sums_of_squares(values)
    assert rows[0]["statistic"] == pytest.approx(f)
    assert rows[0]["p"] == pytest.approx(stats.f.sf(f, 3, 15))
    assert len(rows) == 1 + 6
    for contrast in rows[1:]:
        gap = values[contrast["model_a"]].mean() - values[contrast["model_b"]].mean()
        assert contrast["difference"] == pytest.approx(gap)
        assert contrast["se"] == pytest.approx(np.sqrt(2 * residual / 6))
        expected = float(np.ravel(psturng(abs(gap) / np.sqrt(residual / 6), 4, 15))[0])  # another implementation
        assert min(contrast["p_adjusted"], 0.9) == pytest.approx(expected, abs=3e-3)  # psturng ends at 0.9
        assert contrast["p_adjusted"] >= contrast["p"] - 1e-12


def test_without_a_difference_no_contrast_follows_and_false_alarms_are_few():
    alarms = [len(within_task(scores(5, 3, seed=seed, effect=0))) > 1 for seed in range(200)]
    assert 1 <= sum(alarms) <= 22  # 5 % of 200 is 10


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (scores(1, 3), "1 fold with a value of every model"),
        (scores(5, 1), "one model"),
        (scores(5, 2, noise=0), "the same amount in every fold"),
        (scores(4, 2).where([[True, False]] * 4), "0 folds with a value of every model"),
    ],
)
def test_too_little_says_so(values, reason):
    (only,) = within_task(values)
    assert reason in only["note"]
    assert np.isnan(only["p"])


def test_a_fold_that_failed_for_one_model_is_left_out_for_all():
    values = scores(6, 3)
    values.loc[2, "m1"] = np.nan
    first = within_task(values)[0]
    assert first["note"] == "1 folds left out (a model has no value there)"
    assert first["statistic"] == pytest.approx(sums_of_squares(values.drop(index=2))[0])


def test_corrected_t_test_widens_by_the_share_of_test_samples():
    values = scores(10, 3, seed=2)
    rows = {(contrast["model_a"], contrast["model_b"]): contrast for contrast in corrected_t(values, 0.25)}
    plain = stats.ttest_rel(values.m0, values.m2)
    t = plain.statistic / np.sqrt(1 + 10 * 0.25)
    row = rows["m0", "m2"]
    assert row["statistic"] == pytest.approx(t)
    assert row["p"] == pytest.approx(2 * stats.t.sf(abs(t), 9))
    assert len(rows) == 3


def test_every_p_is_adjusted_over_the_tasks_and_pairs_of_its_group():
    """Two tasks of one group with one pair each of 2 x 3 P; another group alone; families among each other."""
    rows = []
    for task, ps in (("one", (0.01, 0.04, 0.02)), ("two", (0.03, 0.03, 0.5))):
        for method, p in zip((CORRECTED, DELONG, f"{ANOVA}, F(1, 4)"), ps, strict=True):
            rows.append({"group": "frozen", "scope": "task", "task": task, "family": "", "method": method, "p": p})
        rows.append(rows[-1] | {"method": "Tukey HSD, 4 df", "p": 0.01, "p_adjusted": 0.03})
    rows.append(rows[0] | {"group": "transfer", "task": "three", "p": 0.05})
    for family in ("a", "b"):
        head = {"group": "frozen", "scope": "family", "task": "", "family": family}
        rows.append(head | {"method": "mixed-effects model", "p": 0.1, "p_adjusted": 0.2})
    table = pd.DataFrame(rows)
    corrected_table = adjusted(table)
    corrected = table.method == CORRECTED
    assert corrected_table[corrected].tolist() == pytest.approx([0.02, 0.03, 0.05])
    assert corrected_table[table.method == DELONG].tolist() == pytest.approx([0.06, 0.06])
    assert corrected_table[table.method.str.startswith(ANOVA)].tolist() == pytest.approx([0.04, 0.5])
    assert corrected_table[table.method.str.startswith("Tukey")].tolist() == pytest.approx([0.06, 0.06])
    assert corrected_table[table.scope == "family"].tolist() == pytest.approx([0.4, 0.4])


def test_mixed_model_of_a_whole_table_by_analysis_of_variance():
    """With every score there, REML's contrasts and marginal means are those of the two-way table."""
    values = scores(12, 3, seed=3, effect=0.01)
    rows, means = across_tasks(values)
    _, residual = sums_of_squares(values)
    x = values.to_numpy()
    task = (3 * ((x.mean(1) - x.mean()) ** 2).sum() / 11 - residual) / 3
    assert len(rows) == 3
    for contrast in rows:
        gap = values[contrast["model_a"]].mean() - values[contrast["model_b"]].mean()
        assert contrast["difference"] == pytest.approx(gap, abs=1e-7)
        assert contrast["se"] == pytest.approx(np.sqrt(2 * residual / 12), rel=1e-3)
        assert contrast["note"] == ""
        assert "22 df" in contrast["method"]
        q = np.sqrt(2) * abs(contrast["difference"]) / contrast["se"]
        assert contrast["p_adjusted"] == pytest.approx(stats.studentized_range.sf(q, 3, 22))
    for contrast in means:
        assert contrast["mean"] == pytest.approx(values[contrast["model"]].mean(), abs=1e-7)
        assert contrast["se"] == pytest.approx(np.sqrt((task + residual) / 12), rel=1e-3)


def test_no_variance_of_tasks_falls_back_with_a_note():
    values = scores(8, 3, seed=5, between=0)
    x = values.to_numpy() - values.to_numpy().mean(1, keepdims=True)  # rows differ by nothing at all
    values = pd.DataFrame(0.7 + x, columns=values.columns)
    rows, means = across_tasks(values)
    assert rows[0]["note"].endswith(": tasks as fixed effects")
    assert "fixed effects" in rows[0]["method"]
    _, residual = sums_of_squares(values)
    assert rows[0]["se"] == pytest.approx(np.sqrt(2 * residual / 8))
    assert means[1]["mean"] == pytest.approx(values.m1.mean())


def test_missing_scores_are_borne_by_the_mixed_model():
    """A model that was only run on easy tasks gains nothing by it."""
    values = scores(30, 2, seed=6, effect=0.05)
    values.loc[values.m0 < values.m0.median(), "m0"] = np.nan
    assert values.m0.mean() > values.m1.mean()
    rows, _ = across_tasks(values)
    assert rows[0]["difference"] == pytest.approx(-0.05, abs=0.015)


@pytest.mark.parametrize("shape", [(1, 3), (5, 1)])
def test_one_task_or_one_model_is_not_tested(shape):
    rows, means = across_tasks(scores(*shape))
    assert rows[0]["note"].startswith("not tested")
    assert means == []


def test_adjusted_p_values_by_hand():
    assert holm([0.01, np.nan, 0.04, 0.03])[[0, 2, 3]] == pytest.approx([0.03, 0.06, 0.06])
    assert np.isnan(holm([np.nan])[0])
    assert tukey_p(1.0, 1.0, 2, 10) == pytest.approx(2 * stats.t.sf(1.0, 10))
    assert tukey_p(3.875 / np.sqrt(2), 1.0, 3, 10) == pytest.approx(0.05, abs=2e-3)  # tables of q: 3.88 at 3 and 10


@pytest.mark.parametrize("metric", ["r2", "pearson", "spearman"])
def test_intervals_of_metrics_below_0_hold_their_means(tmp_path, metric):
    rng, rows = np.random.default_rng(0), []
    head = {"group": "frozen", "protocol": "ridge", "metric": metric, "shots": 0, "repeat": 0}
    for task, model in itertools.product("abcd", ("one", "two")):
        for fold in range(5):
            row = head | {"task": task, "model": model, "fold": fold, "value": rng.normal(-0.3, 0.05)}
            rows.append(row | {"n_train": 40, "n_test": 10, "note": ""})
    write_tsv(tmp_path / "metrics.tsv", pd.DataFrame(rows))
    keys = ["task", "model", "group", "protocol", "metric", "shots"]
    summary = pd.DataFrame(rows)[keys].drop_duplicates()
    summary = summary.assign(primary=1, family="f", n_fits=5, n_failed=0, n_empty=0)
    scores = fold_scores(summary, [str(tmp_path / "metrics.tsv")])
    _, means = assess_families(scores, ["one", "two"])
    assert len(means) == 2
    for mean_row in means:
        assert mean_row["mean"] == pytest.approx(-0.3, abs=0.05)
        assert mean_row["lower"] < mean_row["mean"] < mean_row["upper"] < 0
    assert set(scores.lowest) == {-np.inf if metric == "r2" else -1}
