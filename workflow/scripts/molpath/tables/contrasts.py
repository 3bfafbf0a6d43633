"""Differences between models: within a task over shared folds, and over tasks (section 7.5 of the paper's facts).

Values come as a table with one row per fold (or task) and one column per model. Every function returns rows of
tables/tests.tsv without scope, family and task; `note` says why there is no number.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import studentized_range
from scipy.stats import t as student

#: Tukey's contrasts follow where the analysis of variance has a p below this.
LEVEL = 0.05
TINY = 1e-12
#: What methods begin with.
CORRECTED, ANOVA = "corrected resampled t test (Nadeau and Bengio)", "two-way ANOVA (model + fold), the paper's test"
TUKEY, DELONG = "Tukey HSD", "DeLong's test, slides by case (Obuchowski)"


def row(method: str, a: str = "", b: str = "", note: str = "", **values: float) -> dict[str, Any]:
    """A row of tests.tsv: difference, se, statistic, p, p_adjusted are nan where not given."""
    blank = dict.fromkeys(("difference", "se", "statistic", "p", "p_adjusted"), np.nan)
    return {"model_a": a, "model_b": b} | blank | values | {"method": method, "note": note}


def holm(values: ArrayLike) -> np.ndarray:
    """Holm's adjusted p values; nan stays nan and is not counted."""
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(values, float)
    corrected, is_finite = np.full(len(p), np.nan), np.isfinite(p)
    if is_finite.any():
        corrected[is_finite] = multipletests(p[is_finite], method="holm")[1]
    return corrected


def tukey_p(difference: float, se: float, models: int, df: float) -> float:
    """p of a difference (se: of the difference) among all pairs of `models` means, by the studentized range."""
    if se < TINY or models < 2:
        return np.nan
    return float(np.clip(studentized_range.sf(np.sqrt(2) * abs(difference) / se, models, df), 0, 1))


def adjusted(tests: pd.DataFrame) -> pd.Series:
    """Adjusted P of tests.tsv: of a group, over all its tasks and pairs of models, or over its families.

    Holm's for the analysis of variance, the corrected t test and DeLong's test. Tukey's P already allow for the pairs
    of a task, or of a family: they are multiplied by how many tasks, or families, were tested (Bonferroni).
    """
    p_values = tests.p_adjusted.astype(float).copy()
    for (_, scope), part in tests.groupby(["group", "scope"]):
        within = part[part.scope == "task"]
        for method in (ANOVA, CORRECTED, DELONG):
            method_rows = within[within.method.str.startswith(method)]
            p_values[method_rows.index] = holm(method_rows.p)
        tested = within[within.method.str.startswith(ANOVA) & within.p.notna()]
        tukeys = part[part.method.str.startswith(TUKEY)] if scope == "task" else part
        times = len(tested) if scope == "task" else part[part.p.notna()].family.nunique()
        p_values[tukeys.index] = (tukeys.p_adjusted.astype(float) * times).clip(upper=1)
    return p_values


def within_task(values: pd.DataFrame) -> list[dict[str, Any]]:
    """Two-way analysis of variance (model + fold) of folds x models; Tukey's HSD where P < 0.05.

    Folds in which a model has no value are left out for all. Tukey's contrasts take the residual mean square of the
    two-way analysis with its (models - 1)(folds - 1) degrees of freedom: the shared folds are blocks.
    """
    from statsmodels.formula.api import ols
    from statsmodels.stats.anova import anova_lm

    method = ANOVA
    complete = values.dropna()
    folds, models = complete.shape
    if models < 2 or folds < 2:
        reason = "one model" if models < 2 else f"{folds} fold{'s' * (folds != 1)} with a value of every model"
        return [row(method, note=f"not tested: {reason}")]
    dropped = f"{len(values) - folds} folds left out (a model has no value there)" if folds < len(values) else ""
    long = complete.rename_axis("fold").reset_index().melt("fold", var_name="model", value_name="value")
    fit = ols("value ~ C(model) + C(fold)", long).fit()
    if fit.mse_resid < TINY:
        return [row(method, note="not tested: models differ by the same amount in every fold")]
    table = anova_lm(fit, typ=2)
    p, f = table.loc["C(model)", "PR(>F)"], table.loc["C(model)", "F"]
    df = int(fit.df_resid)
    rows = [row(f"{method}, F({models - 1}, {df})", statistic=f, p=p, p_adjusted=p, note=dropped)]
    if p < LEVEL:
        rows += tukey(complete.mean(), np.sqrt(2 * fit.mse_resid / folds), df, f"{TUKEY}, {df} df", dropped)
    return rows


def tukey(means: pd.Series, se: float, df: float, method: str, note: str = "") -> list[dict[str, Any]]:
    """Tukey's contrasts of all pairs of means that share one standard error of a difference."""
    rows = []
    for a, b in itertools.combinations(means.index, 2):
        gap = means[a] - means[b]
        unadjusted = float(2 * student.sf(abs(gap) / se, df))
        adjusted = tukey_p(gap, se, len(means), df)
        rows.append(
            row(method, a, b, note, difference=gap, se=se, statistic=gap / se, p=unadjusted, p_adjusted=adjusted)
        )
    return rows


def corrected_t(values: pd.DataFrame, share: float) -> list[dict[str, Any]]:
    """Paired t tests over folds with the variance of Nadeau and Bengio (2003).

    share: test samples over training samples. Training sides of folds overlap, so that folds are not independent and
    the analysis of variance finds too much; here the variance of a mean difference is (1/folds + share) x s^2.
    """
    method = CORRECTED
    rows = []
    for a, b in itertools.combinations(values.columns, 2):
        gaps = (values[a] - values[b]).dropna()
        if len(gaps) < 2:
            rows.append(row(method, a, b, f"not tested: {len(gaps)} folds with a value of both"))
            continue
        se = float(np.sqrt((1 / len(gaps) + share) * gaps.var(ddof=1)))
        if se < TINY:
            rows.append(
                row(method, a, b, "not tested: the same difference in every fold", difference=gaps.mean(), se=0)
            )
            continue
        statistic = gaps.mean() / se
        p = float(2 * student.sf(abs(statistic), len(gaps) - 1))
        rows.append(row(method, a, b, difference=gaps.mean(), se=se, statistic=statistic, p=p))
    return rows


def across_tasks(values: pd.DataFrame, lowest: float = 0) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Mixed-effects model of tasks x models (scores): model fixed, task random; all pairs by Tukey; marginal means.

    Returns rows of tests.tsv and of marginal_means.tsv (model, mean, se, df, lower, upper, method, note). REML; the
    degrees of freedom of contrasts are observations - tasks - models + 1, which is (models - 1)(tasks - 1) and
    Satterthwaite's number where every model has every task; those of a marginal mean tasks - 1. Where the variance of
    tasks is estimated as zero, or the fit fails, tasks are taken as fixed effects instead (same contrasts), and the
    note says so. Intervals end at `lowest` and 1, the range of the scores.
    """
    method = "mixed-effects model (model fixed, task random), Tukey"
    values = values.dropna(how="all").dropna(axis=1, how="all")
    models, tasks = values.shape[1], len(values)
    if models < 2 or tasks < 2:
        shape = f"{models} model{'s' * (models != 1)} on {tasks} task{'s' * (tasks != 1)}"
        return [row(method, note=f"not tested: {shape}; at least 2 of each are needed")], []
    long = values.rename_axis("task").reset_index().melt("task", var_name="model", value_name="value").dropna()
    df = len(long) - tasks - models + 1
    if df < 1:
        return [row(method, note="not tested: too few scores for a variance")], []
    names = list(values.columns)
    means, covariance, note = fit_mixed(long, names)
    if note:
        method = "model and task as fixed effects, Tukey"
    rows = pairs_of(names, means, covariance, df, method, note)
    return rows, marginal_means(names, means, covariance, tasks - 1, lowest, method.removesuffix(", Tukey"), note)


def pairs_of(
    names: Sequence[str], means: np.ndarray, covariance: np.ndarray, df: int, method: str, note: str
) -> list[dict[str, Any]]:
    """Tukey's contrasts of all pairs of marginal means (float M, covariance M x M)."""
    rows, spread = [], np.diag(covariance)
    for a, b in itertools.combinations(range(len(names)), 2):
        gap, se = means[a] - means[b], np.sqrt(max(spread[a] + spread[b] - 2 * covariance[a, b], 0))
        if se < TINY:
            rows.append(row(method, names[a], names[b], "not tested: no variance", difference=gap, se=se))
            continue
        numbers = {"difference": gap, "se": se, "statistic": gap / se, "p": 2 * student.sf(abs(gap) / se, df)}
        adjusted = tukey_p(gap, se, len(names), df)
        rows.append(row(f"{method}, {df} df", names[a], names[b], note, **numbers, p_adjusted=adjusted))
    return rows


def marginal_means(
    names: Sequence[str], means: np.ndarray, covariance: np.ndarray, df: int, lowest: float, method: str, note: str
) -> list[dict[str, Any]]:
    """Rows of marginal_means.tsv, with 95 % intervals that end at `lowest` and 1."""
    spread = np.diag(covariance)
    half = student.ppf(0.975, df) * np.sqrt(spread)
    shared = {"df": df, "method": method, "note": note}
    return [
        {"model": name, "mean": mean, "se": np.sqrt(v), "lower": max(mean - h, lowest), "upper": min(mean + h, 1)}
        | shared
        for name, mean, v, h in zip(names, means, spread, half, strict=True)
    ]


def fit_mixed(long: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, np.ndarray, str]:
    """Marginal means (float M), their covariance (M x M), and a note where tasks had to be fixed effects."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    design = np.stack([long.model == name for name in names], axis=1).astype(float)
    reason = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is looked at below
        try:
            fit = MixedLM(long.value.to_numpy(), design, groups=long.task.to_numpy()).fit(reml=True)
            if float(np.squeeze(fit.cov_re)) <= 1e-6 * fit.scale:
                reason = "the variance of tasks is at its boundary, zero"
            elif not fit.converged:
                reason = "the mixed model did not converge"
        except np.linalg.LinAlgError:
            reason = "the mixed model could not be fitted"
    if not reason:
        return np.asarray(fit.fe_params), np.asarray(fit.cov_params())[: len(names), : len(names)], ""
    return *fit_fixed(long, design), f"{reason}: tasks as fixed effects"


def fit_fixed(long: pd.DataFrame, design: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Means of models averaged evenly over tasks (float M) and their covariance, tasks as fixed effects."""
    from statsmodels.regression.linear_model import OLS

    blocks = pd.get_dummies(long.task).to_numpy(float)
    centred = blocks[:, 1:] - blocks[:, :1]  # sum to zero: a model's coefficient is its mean over all tasks
    fit = OLS(long.value.to_numpy(), np.hstack([design, centred])).fit()
    count = design.shape[1]
    return fit.params[:count], fit.cov_params()[:count, :count]
