"""Models that are alike, probed over folds: how often does a test between them find a difference?

Each model has features of its own, drawn from one distribution, so that what differs between their scores is chance.
Slides of a case share its label and most of their noise. The probe is a ridge classifier, for its speed.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from molpath.interpret import gene_directions
from molpath.interpret.gene_directions import beside_null, correlate, directions_of, shuffled_directions
from molpath.probe.permuting import permutation_p, shuffled
from molpath.probe.tasks import Task
from molpath.tables.contrasts import across_tasks, corrected_t
from molpath.tables.survival import assess_survival
from molpath.tables.tests import delong_pairs
from schema_defaults import defaults_of
from scipy.stats import rankdata, ttest_rel


def auc(positive, score):
    m, n = positive.sum(), (~positive).sum()
    return (rankdata(score)[positive].sum() - m * (m + 1) / 2) / (m * n)


def test_sides(rng, labels, folds, repeated):
    """Test cases of each fold (bool folds x cases), stratified: a partition, or a fifth of them drawn each time."""
    sides = np.zeros((folds, len(labels)), bool)
    for label in (0, 1):
        members = np.flatnonzero(labels == label)
        if repeated:
            for side in sides:
                side[rng.choice(members, len(members) // 5, replace=False)] = True
        else:
            for place, case in enumerate(rng.permutation(members)):
                sides[place % folds, case] = True
    return sides


def ridge(x, y, x_test, penalty):
    mean = x.mean(0)
    x, target = x - mean, y - y.mean()
    return (x_test - mean) @ np.linalg.solve(x.T @ x + penalty * np.eye(x.shape[1]), x.T @ target)


def study(seed, *, cases=60, slides=1, folds=5, repeated=False, models=2, width=20, signal=0.5):
    """Values by fold (rows) and model (columns), and predictions of every model, of one task without a difference."""
    rng = np.random.default_rng(seed)
    labels = np.arange(cases) % 2
    case = np.repeat(np.arange(cases), slides)
    y, sides = labels[case], test_sides(rng, labels, folds, repeated)
    towards = np.zeros(width)
    towards[:4] = signal
    values, predictions = {}, {}
    for model in range(models):
        x = rng.normal(size=(cases, width))[case] + 0.5 * rng.normal(size=(len(case), width)) + np.outer(y, towards)
        parts = []
        for fold, side in enumerate(sides):
            test = side[case]
            score = ridge(x[~test], y[~test].astype(float), x[test], width * slides)
            parts.append(pd.DataFrame({"fold": fold, "case_id": case[test], "label": y[test], "prob_1": score}))
            parts[-1]["sample_id"] = np.flatnonzero(test)
        predictions[f"m{model}"] = pd.concat(parts)
        values[f"m{model}"] = [auc(part.label.to_numpy() == 1, part.prob_1.to_numpy()) for part in parts]
    return pd.DataFrame(values), predictions


def survival_study(seed, *, cases=60, slides=1, folds=5, permutations=19, width=10):
    """Predictions of a Cox probe (one step from 0) of features that say nothing, and of its permutations by case."""
    rng = np.random.default_rng(seed)
    case = np.repeat(np.arange(cases), slides)
    x = rng.normal(size=(cases, width))[case] + 0.5 * rng.normal(size=(len(case), width))
    outcomes = pd.DataFrame({"time": rng.exponential(500, cases), "event": rng.random(cases) < 0.6})
    side = rng.permutation(cases) % folds
    parts = []
    for repeat in range(permutations + 1):
        permuted = outcomes if repeat == 0 else outcomes.iloc[rng.permutation(cases)].reset_index(drop=True)
        for fold in range(folds):
            test = (side == fold)[case]
            slope = cox_step(x[~test], permuted.time.to_numpy()[case[~test]], permuted.event.to_numpy()[case[~test]])
            rows = permuted.iloc[case[test]].reset_index(drop=True)
            cutoff = float(np.median(x[~test] @ slope))
            head = {"task": "t", "group": "frozen", "model": "m", "protocol": "permuted" if repeat else "cox"}
            rows = rows.assign(
                fold=fold, repeat=repeat, case_id=case[test], risk=x[test] @ slope, cutoff=cutoff, **head
            )
            parts.append(rows.assign(sample_id=np.flatnonzero(test)))
    table = pd.concat(parts)
    return table[table.protocol == "cox"], table[table.protocol == "permuted"]


def cox_step(x, times, events):
    """Gradient of the partial likelihood at 0: columns with the residuals of a model that knows nothing."""
    order = np.argsort(times)
    hazard = np.cumsum(events[order] / np.arange(len(times), 0, -1))
    residual = np.empty(len(times))
    residual[order] = events[order] - hazard
    return x.T @ residual


def survival_error_rates(runs, **settings):
    """Share of runs with P < 0.05 of the log-rank test, and of permutations; of the former's, those the wrong way."""
    rows = [assess_survival([survival_study(seed, **settings)])[0].iloc[0] for seed in range(runs)]
    table = pd.DataFrame(rows)
    naive = table.p_logrank < 0.05
    wrong = (table.statistic[naive] < 0).mean()
    return {"log-rank": naive.mean(), "permuted": (table.p <= 0.05).mean(), "wrong way": wrong}


def result(seed, **settings):
    """P of each test between two alike models; of two, the analysis of variance over folds is a paired t test."""
    values, predictions = study(seed, **settings)
    by_slide = {name: table.drop(columns="case_id") for name, table in predictions.items()}
    return {
        "anova": ttest_rel(values.m0, values.m1).pvalue,
        "corrected t": corrected_t(values, share=0.25)[0]["p"],
        "delong": delong_pairs(predictions, list(values))[0]["p"],
        "delong by slide": delong_pairs(by_slide, list(values))[0]["p"],
    }


def error_rates(runs, **settings):
    """Share of runs with P < 0.05, by test."""
    table = pd.DataFrame([result(seed, **settings) for seed in range(runs)])
    return (table < 0.05).mean()


def mixed_error_rates(runs, *, tasks=8, models=3, **settings):
    """Share of runs in which the mixed model finds any pair of alike models to differ over tasks of several sizes."""
    hits = []
    for run in range(runs):
        rows = {}
        for task in range(tasks):
            signal = 0.2 + 0.1 * (task % 5)  # tasks are not equally hard
            values, _ = study(1000 * run + task, models=models, signal=signal, **settings)
            rows[task] = values.mean()
        tests, _ = across_tasks(pd.DataFrame(rows).T)
        hits.append(np.nanmin([test["p_adjusted"] for test in tests]) < 0.05)
    return {"mixed model, Tukey": np.mean(hits)}


def nothing(seed, *, cases, slides, width, folds=5):
    """A task of slides by case whose labels are a coin's, and features that slides of a case share."""
    rng = np.random.default_rng(seed)
    case = np.repeat(np.arange(cases), slides)
    x = rng.normal(size=(cases, width))[case] + 0.5 * rng.normal(size=(len(case), width))
    labels = rng.permutation(np.arange(cases) % 2)
    sides = test_sides(rng, labels, folds, repeated=False)[:, case].T
    names = [f"S{i}" for i in range(len(case))]
    case_of = {name: f"C{number}" for name, number in zip(names, case, strict=True)}
    folds_of = np.where(sides, "test", "train").astype(object)
    task = Task("t", "slide_id", names, labels[case], ["a", "b"], folds_of, ["macro-ovr-auc"], cases=case_of)
    return task, x


def permuted_p(seed, *, cases=60, slides=1, width=20, permutations=39):
    """p_permuted of a ridge classifier on labels that its features say nothing of."""
    task, x = nothing(seed, cases=cases, slides=slides, width=width)
    rows = []
    for repeat in range(permutations + 1):
        order = shuffled(task, seed, repeat - 1) if repeat else np.arange(len(x))
        y = task.labels[order]
        for fold in range(task.folds.shape[1]):
            test = task.folds[:, fold] == "test"
            if y[test].min() == y[test].max():
                continue
            score = ridge(x[~test], y[~test].astype(float), x[test], width * slides)
            name = "permuted" if repeat else "logistic"
            rows.append((name, max(repeat - 1, 0), fold, auc(y[test] == 1, score)))
    table = pd.DataFrame(rows, columns=["protocol", "repeat", "fold", "value"])
    return permutation_p(table.assign(metric="auc", shots=0), "logistic", "auc")


def permuted_error_rates(runs, **settings):
    """Share of runs with p_permuted of 5 % at most."""
    return {"p_permuted": np.mean([permuted_p(seed, **settings) <= 0.05 for seed in range(runs)])}


def least_padj(seed, *, slides=1, cases=30, width=4, genes=50):
    """The smallest adjusted P of genes along a direction of nothing, in a space that every gene goes with."""
    task, x = nothing(seed, cases=cases, slides=slides, width=width)
    rng = np.random.default_rng(seed)
    scale = np.array([4, 2, 1, 1])
    axes = rng.normal(size=(80, width)) * scale
    values = axes @ rng.normal(size=(width, genes)) + rng.normal(size=(80, genes))
    settings = defaults_of("probe")
    null, failed = shuffled_directions(task, x * scale, settings, {})
    along = np.stack(
        [directions_of(task, x * scale, settings)["b"], *(null_directions["b"] for null_directions in null)], axis=1
    )
    r = correlate(values, axes @ along, np.full(80, "A"))
    return beside_null({"b": r}, failed)["b"].padj.min()


def gene_error_rates(runs, *, permutations=19, **settings):
    """Share of runs with a gene whose adjusted P is 5 % at most; each run has permutations of its own."""
    usual = gene_directions.PERMUTATIONS, gene_directions.SEED
    significant = []
    try:
        gene_directions.PERMUTATIONS = permutations
        for seed in range(runs):
            gene_directions.SEED = seed
            significant.append(least_padj(seed, **settings) <= 0.05)
    finally:
        gene_directions.PERMUTATIONS, gene_directions.SEED = usual
    return {"gene directions": np.mean(significant)}
