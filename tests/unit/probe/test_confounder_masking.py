"""Simpson's paradox: a score at chance over all cases, and not within groups, is named with both values."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe.confounders.battery import assess
from molpath.probe.confounders.verdict import judge
from molpath.probe.tasks import Task
from planted_confounders import SETTINGS, folds_of
from sklearn.metrics import roc_auc_score


def paradox(seed, cases=300):
    """A label that is common in one site; scores rise with it in both sites, and fall as much by site."""
    rng = np.random.default_rng(seed)
    site = rng.integers(2, size=cases)
    labels = (rng.random(cases) < np.where(site, 0.8, 0.2)).astype(int)
    score = 1.2 * labels - 2.0 * site + rng.normal(size=cases)
    names = [f"C{k:03d}" for k in range(cases)]
    folds = folds_of(labels, seed)
    task = Task("planted", "case_id", names, labels, ["wt", "mut"], folds, ["macro-ovr-auc"])
    chance = 1 / (1 + np.exp(-score))
    fold = (folds == "test").argmax(1)
    predictions = pd.DataFrame({"sample_id": names, "case_id": names, "fold": fold, "label": labels})
    predictions = predictions.assign(prob_0=1 - chance, prob_1=chance)
    return task, predictions, pd.DataFrame({"site": np.array(["A", "B"])[site]}, index=names), score


def test_a_score_hidden_by_a_column_is_named_with_both_values():
    task, predictions, table, score = paradox(0)
    row = assess(task, predictions, table, ["site"], SETTINGS, None, 199, 200).confounders.iloc[0]
    assert abs(roc_auc_score(task.labels, score) - 0.5) < 0.06
    within = [roc_auc_score(task.labels[rows], score[rows]) for rows in (table.site == "A", table.site == "B")]
    assert min(within) > 0.7
    assert row.verdict == "masked"
    assert row.within == pytest.approx(np.mean(within), abs=0.04)
    assert row.reason == (
        f"within groups differs from over all: {row.within:.3f} within groups (P 0.005), and {row.score:.3f} over all "
        f"(P {row.p_score:.3g}), which is chance"
    )


def test_a_score_at_chance_everywhere_is_none():
    """Scores that know nothing, and a label that goes with the site."""
    verdicts = []
    for seed in range(12):
        task, predictions, table, _ = paradox(seed)
        mixed = np.random.default_rng(seed).permutation(len(predictions))
        moved = predictions.assign(**{name: predictions[name].to_numpy()[mixed] for name in ("prob_0", "prob_1")})
        row = assess(task, moved, table, ["site"], SETTINGS, None, 99, 50).confounders.iloc[0]
        verdicts.append(row.verdict)
        if row.verdict == "cannot tell":
            assert f"{row.score:.3f} over all (P " in row.reason
            assert f"{row.within:.3f} within groups" in row.reason
    assert "masked" not in verdicts


def test_rules_of_masking_and_of_a_score_that_turns_round():
    row = {"unusable": "", "n": 100, "p_score": 0.4, "within": 0.8, "score": 0.5, "fall_upper": -0.1}
    row |= {"p_association": 0.001, "p_lean": 0.9, "p_within": 0.01, "left_upper": np.nan}
    assert judge(row)[0] == "masked"
    for change in ({"p_within": 0.02}, {"p_association": 0.02}, {"fall_upper": 0.01}, {"fall_upper": np.nan}):
        assert judge(row | change)[1].startswith("cannot tell: the score is at chance: 0.500 over all (P 0.4), 0.800")
    turned = row | {"p_score": 0.01, "score": 0.8, "within": 0.3, "p_lean": 0.01, "p_within": 0.9, "left_upper": -0.2}
    assert judge(turned) == (
        "explained", "the score is reversed: 0.300 within groups, below chance, and 0.800 over all"
    )  # fmt: skip
