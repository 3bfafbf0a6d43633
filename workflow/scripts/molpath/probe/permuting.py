"""The null of every control: labels shuffled over cases, and what a score is worth beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from .tasks import Task

#: What the control of a protocol is called: of the frozen probes one name, of all others their own with this ending.
ENDING = "_permuted"
OF_FROZEN = "permuted"
FROZEN = ("logistic", "cox", "ridge")
#: Metrics of which less is better: the share of as good permutations is counted from the other side.
LESS_IS_BETTER = ("ece", "brier", "mae")


def shuffled(task: Task, seed: int, repeat: int, strata: Mapping[str, str] | None = None) -> np.ndarray:
    """Positions (int N) whose label, or time and event, each sample takes in a permutation.

    Cases are shuffled, not samples: slides of a case share its label and look alike, so that labels shuffled over
    slides make a null that is too narrow. The j-th sample of a case takes that of the j-th of another case, which
    begins again where it has fewer. strata: by case, what it only changes places within (a site, a cohort), that of the
    task unless given; cases that it doesn't name are one more stratum.
    """
    members: dict[str, list[int]] = {}
    for position, name in enumerate(task.samples):
        members.setdefault(task.cases.get(name, name), []).append(position)
    cases = list(members.values())
    order = np.empty(len(task.samples), np.int64)
    within = task.strata if strata is None else strata
    groups = np.array([within.get(name, "") for name in members], object)
    others, rng = np.empty(len(cases), np.int64), np.random.default_rng([seed, repeat])
    for group in sorted(set(groups)):
        mine = np.flatnonzero(groups == group)
        others[mine] = mine[rng.permutation(len(mine))]
    for own, other in zip(cases, others, strict=True):
        taken = cases[other]
        order[own] = [taken[place % len(taken)] for place in range(len(own))]
    return order


def control_of(protocol: str) -> str:
    """Name of the permuted control of a protocol."""
    return OF_FROZEN if protocol in FROZEN else protocol + ENDING


def permutation_p(rows: pd.DataFrame, protocol: str, metric: str) -> float:
    """Share of permutations (and the data themselves) in which the score is at least as good; nan without a control.

    rows: metrics by protocol, repeat and fold. Each permutation is compared on the folds that it was tried on, and
    (1 + as good) / (1 + permutations) is P (Phipson and Smyth 2010): never 0.
    """
    control = control_of(protocol)
    mine = rows[(rows.protocol == protocol) & (rows.metric == metric)]
    null = rows[(rows.protocol == control) & (rows.metric == metric)]
    seen = mine.groupby("fold").value.mean()
    null = null[np.isfinite(null.value) & null.fold.map(seen).notna()]
    if null.empty:
        return float("nan")
    by_draw = null.assign(seen=null.fold.map(seen)).groupby("repeat")[["value", "seen"]].mean()
    better = by_draw.seen - by_draw.value if metric not in LESS_IS_BETTER else by_draw.value - by_draw.seen
    return float((1 + (better <= 1e-12).sum()) / (1 + len(by_draw)))
