"""Synthetic tasks with planted confounders, and what the battery says of them."""

import collections
import dataclasses

import numpy as np
import pandas as pd
from drawn_cohort import Source
from molpath.demo.confounded import draw_confounded
from molpath.probe.confounders.association import associate
from molpath.probe.confounders.battery import ASSOCIATIONS, assess
from molpath.probe.confounders.case_table import TECHNICAL
from molpath.probe.confounders.columns import read_columns
from molpath.probe.confounders.outcomes import combine
from molpath.probe.confounders.pairs import Pairs
from molpath.probe.confounders.refit import Refit
from molpath.probe.confounders.strata import fall, leaning
from molpath.probe.confounders.verdict import ALPHA, ASSOCIATED, judge
from molpath.probe.confounders.within import permute_within
from molpath.probe.probes import fit_logistic
from molpath.probe.results import over_labels, sides
from molpath.probe.tasks import Task
from molpath.tables.delong import compare_folds, difference
from scipy.stats import chi2
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

PLANTED = (0.0, 0.3, 0.6, 0.9)
NULLS = (0.0, 0.6, 0.9)
COX = {
    "alpha": 0.07,
    "alphas": {},
    "exceptions": [],
    "l1_ratio": 0.5,
    "ridge_alpha": 1.0,
    "times": [],
    "max_iter": 1000,
}
SETTINGS = {
    **{
        "C": 0.5,
        "max_iter": 10000,
        "plain": False,
        "scale": "unit",
        "seed": 0,
        "ridge_alphas": [0.1, 1.0, 10.0, 100.0],
    },
    **{"cox": COX, "bootstraps": 200},
}
FOLDS = 5


def folds_of(labels, seed):
    """Five stratified folds (object N x 5)."""
    folds = np.full((len(labels), FOLDS), "train", object)
    for fold, (_, test) in enumerate(StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(labels, labels)):
        folds[test, fold] = "test"
    return folds


def planted_task(cases, v, signal, seed, width=32):
    """Task, out-of-fold predictions of a logistic probe, and what was drawn."""
    drawn = draw_confounded(cases, v, signal, seed, width)
    names = list(drawn.columns.index)
    folds = folds_of(drawn.labels, seed)
    task = Task("planted", "case_id", names, drawn.labels, ["wt", "mut"], folds, ["macro-ovr-auc"])
    return task, predicted(task, drawn.embeddings), drawn


def predicted(task, x):
    """Out-of-fold predictions of a logistic probe."""
    parts = []
    fit = over_labels(task, x, fit_logistic, SETTINGS)
    for fold in range(task.folds.shape[1]):
        _, test = sides(task, fold)
        probabilities = fit(*sides(task, fold))
        names = [task.samples[place] for place in test]
        rows = pd.DataFrame({"sample_id": names, "case_id": names, "fold": fold, "label": task.labels[test]})
        parts.append(rows.assign(**{f"prob_{code}": probabilities[:, code] for code in range(probabilities.shape[1])}))
    return pd.concat(parts, ignore_index=True)


def judged(task, predictions, drawn, name="site", permutations=199, bootstraps=200, seed=0):
    """The numbers that a verdict is made of, and the verdict: the battery without what it doesn't take."""
    outcome = combine(task, predictions)
    (column,) = read_columns(drawn.columns, task.samples, [name])
    refit, pairs = Refit(task, drawn.embeddings), Pairs(task, outcome.scores)
    overall = permute_within(task, np.zeros(len(task.samples), int), permutations, seed, refit)
    row = {"unusable": column.unusable, "p_score": overall.p}
    row |= associate(task, column, ASSOCIATIONS, seed) | fall(task, column, pairs, bootstraps, seed)
    row |= leaning(task, column, outcome.scores, permutations, seed)
    row["p_within"] = permute_within(task, column.codes, permutations, seed, refit).p
    row["verdict"], row["reason"] = judge(row)
    return row


def verdicts(draws, v, signal, cases=400, rows=None):
    """How often each verdict is given."""
    counts = collections.Counter()
    for seed in range(draws):
        row = judged(*planted_task(cases, v, signal, seed), seed=seed)
        counts[row["verdict"]] += 1
        if rows is not None:
            rows.append(row | {"v": v, "signal": signal})
    return {word: f"{count / draws:.1%}" for word, count in sorted(counts.items())}


def false_alarms(draws, v, cases=200, permutations=99):
    """Share of P up to 5 % of tests of what the embedding adds to the site, where it adds nothing."""
    significant = collections.Counter()
    for seed in range(draws):
        task, predictions, drawn = planted_task(cases, v, 0.0, seed)
        outcome = combine(task, predictions)
        (column,) = read_columns(drawn.columns, task.samples, ["site"])
        permuted = permute_within(task, column.codes, permutations, seed, Refit(task, drawn.embeddings))
        kept = permute_within(task, column.codes, permutations, seed, None, outcome.scores)
        significant["score within, refitted"] += permuted.p <= 0.05
        significant["gain, refitted"] += permuted.p_gain <= 0.05
        significant["score within, scores kept"] += kept.p <= 0.05
        significant["gain, scores kept"] += kept.p_gain <= 0.05
        significant["likelihood ratio"] += ratio_p(task, column, outcome.scores) <= 0.05
        significant["DeLong"] += delong_p(task, column, outcome.scores) <= 0.05
    return {name: count / draws for name, count in significant.items()}


def technical_false_alarms(draws, cases=200, permutations=999):
    """How often columns of quality that have nothing to do with the label pass the rules for one that could explain
    its score: shares of columns, with each rule and both; of `fine_detail` alone; and of tasks with any such column."""
    counts = collections.Counter()
    for seed in range(draws):
        rng = np.random.default_rng([seed, 3])
        labels, source = rng.permutation(np.arange(cases) % 2), Source(seed)
        names = [f"C{k}" for k in range(cases)]
        task = Task("null", "case_id", names, labels, ["wt", "mut"], folds_of(labels, seed), ["macro-ovr-auc"])
        scores = labels + rng.normal(size=cases)
        table = pd.DataFrame([source.measure(rng) for _ in names], index=names)
        any_both = False
        for column in read_columns(table, names, [name for name in TECHNICAL if name in table]):
            if column.unusable:
                continue
            related = associate(task, column, permutations, seed)["p_association"] <= ASSOCIATED
            leans = leaning(task, column, scores[:, None], permutations, seed)["p_lean"] <= ALPHA
            counts["columns"] += 1
            counts["label"] += related
            counts["score"] += leans
            counts["both"] += related and leans
            counts["fine_detail label"] += related and column.name == "fine_detail"
            any_both |= bool(related and leans)
        counts["tasks"] += any_both
    shares = {name: counts[name] / counts["columns"] for name in ("label", "score", "both")}
    return shares | {"fine_detail label": counts["fine_detail label"] / draws, "tasks": counts["tasks"] / draws}


def deviance(x, y):
    """-2 log likelihood of a logistic regression."""
    p = LogisticRegression(C=1e6, max_iter=1000).fit(x, y).predict_proba(x)[np.arange(len(y)), y]
    return -2 * np.log(p).sum()


def ratio_p(task, column, scores):
    """P of adding a score to a logistic regression on the column, by the likelihood ratio."""
    alone, both = column.one_hot(), np.hstack([column.one_hot(), scores / scores.std()])
    return float(chi2.sf(max(deviance(alone, task.labels) - deviance(both, task.labels), 0), 1))


def delong_p(task, column, scores):
    """P of the AUC of column and score, cross-fitted on the folds, against that of the column."""
    columns = [column.one_hot(), np.hstack([column.one_hot(), scores / scores.std()])]
    drawn = []
    for fold in range(task.folds.shape[1]):
        train, test = sides(task, fold)
        both = [LogisticRegression().fit(x[train], task.labels[train]).decision_function(x[test]) for x in columns]
        drawn.append((task.labels[test] == 1, np.array(both), np.array(task.samples)[test]))
    return difference(*compare_folds(drawn), 1, 0)[3]


def battery_of(cases, width, columns, v=0.6, signal=2.0):
    """The whole battery on so many columns."""
    task, predictions, drawn = planted_task(cases, v, signal, 0, width)
    rng = np.random.default_rng(1)
    more = {f"column {k}": rng.normal(size=cases) if k % 2 else rng.integers(0, 5, cases) for k in range(columns - 3)}
    table = drawn.columns.assign(**more)
    return assess(task, predictions, table, list(table), SETTINGS, drawn.embeddings)


def slides_of(task, predictions, count):
    """The same task and predictions with `count` slides per case, each predicted alike."""
    names = [f"{case}-{k}" for case in task.samples for k in range(count)]
    cases = {name: name.rpartition("-")[0] for name in names}
    places = np.repeat(np.arange(len(task.samples)), count)
    repeated = dataclasses.replace(
        task, unit="slide_id", samples=names, cases=cases, labels=task.labels[places], folds=task.folds[places]
    )
    parts = [predictions.assign(sample_id=predictions.case_id + f"-{k}") for k in range(count)]
    return repeated, pd.concat(parts, ignore_index=True)
