"""One word for a task and a column, from rules that are stated here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

EXPLAINED, PARTLY, INDEPENDENT, CANNOT = "explained", "partly", "independent", "cannot tell"
#: The column hides a score (Simpson's paradox).
MASKED = "masked"
#: P below which something counts as found.
ALPHA = 0.05
#: P up to which label and column go together: a task has many columns, and each is one more chance of a false alarm.
ASSOCIATED = 0.01
#: Share of the score above chance that may be left within groups, by its interval's upper end, if a column explains it.
LITTLE = 0.75
#: The rules in the words of tables and pages.
RULES = f"""A column is judged on the cases that have a value of it. It could explain a score where the label goes with
the column (p_association up to {ASSOCIATED}) and so does the score, among cases of the same label (p_lean up to
{ALPHA}). Something is left where labels exchanged within groups seldom score as high (p_within up to {ALPHA}).
{PARTLY}: it could explain the score, and something is left. {EXPLAINED}: it could explain the score, nothing is found
to be left, and there were cases enough to see it: {LITTLE:.0%} of the score above chance can be left at most
(left_upper). {INDEPENDENT}: something is left, and the column couldn't explain it. {MASKED}: within groups differs from
over all: the score is at chance over all cases (p_score above {ALPHA}) and not within groups (p_within up to
{ASSOCIATED}), where it is higher (fall_upper below 0), and the label goes with the column (Simpson's paradox).
{CANNOT}: anything else, with the reason: too few cases, a column of one value, or a score at chance (p_score above
{ALPHA}), where there is nothing to explain."""


def judge(row: Mapping[str, Any]) -> tuple[str, str]:
    """Verdict and reason of a column: of its numbers, RULES takes p_score, p_association, p_lean, p_within, left_upper,
    fall_upper.

    A number that couldn't be obtained is nan and counts as not found.
    """
    if row["unusable"]:
        return CANNOT, f"{CANNOT}: {row['unusable']}"
    if np.isnan(row["p_score"]):
        return CANNOT, f"{CANNOT}: no cases of different labels have scores that can be compared"
    if not row["p_score"] <= ALPHA:
        return at_chance(row)
    if not np.isfinite(row["within"]):
        return CANNOT, f"{CANNOT}: no group has cases of different labels (n {row['n']})"
    is_possible = row["p_association"] <= ASSOCIATED and row["p_lean"] <= ALPHA
    if row["p_within"] <= ALPHA:
        if is_possible:
            return (
                PARTLY,
                f"the score falls from {row['score']:.3f} to {row['within']:.3f} within groups, not to chance",
            )
        return INDEPENDENT, f"the score within groups is {row['within']:.3f}, over all {row['score']:.3f}"
    if is_possible and row["left_upper"] <= LITTLE:
        if row["left_upper"] < 0:
            scores = f"{row['within']:.3f} within groups, below chance, and {row['score']:.3f} over all"
            return EXPLAINED, f"the score is reversed: {scores}"
        return (
            EXPLAINED,
            f"the score falls from {row['score']:.3f} to {row['within']:.3f} within groups, which is chance",
        )
    return CANNOT, f"{CANNOT}: n {row['n']} is too small to say what is left within groups ({row['within']:.3f})"


def at_chance(row: Mapping[str, Any]) -> tuple[str, str]:
    """Verdict and reason where the score over all cases is at chance: a column may hide it."""
    over_all = f"{row['score']:.3f} over all (P {row['p_score']:.3g})"
    apart = row["p_association"] <= ASSOCIATED and row["p_within"] <= ASSOCIATED
    if apart and row["fall_upper"] < 0:
        inside = f"{row['within']:.3f} within groups (P {row['p_within']:.3g})"
        return MASKED, f"within groups differs from over all: {inside}, and {over_all}, which is chance"
    return (
        CANNOT,
        f"{CANNOT}: the score is at chance: {over_all}, {row['within']:.3f} within groups; nothing to explain",
    )
