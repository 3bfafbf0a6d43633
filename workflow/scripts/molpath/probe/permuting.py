"""The null of every control, labels shuffled over cases, and P of a score beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe
from ..common.task_rules import LESS_IS_BETTER
from .tasks import BadTask, Task

#: What the control of a protocol is called: of the frozen probes one name, of all others their own with this ending.
ENDING = "_permuted"
OF_FROZEN = "permuted"
#: The frozen probe of each type of task: classes, survival, numbers.
FROZEN = ("logistic", "cox", "ridge")
#: Folds that one permutation is tried on, at most: 50 Monte-Carlo folds times 20 permutations say no more than 10 do.
PERMUTED_FOLDS = 10
#: Controls that have no P of their own, and the word in its place.
WITHOUT_P = ("site_only", "patch_count_only")
NOT_COMPUTED = "not computed"


def shuffled(task: Task, seed: int, repeat: int, strata: Mapping[str, str] | None = None) -> np.ndarray:
    """Positions (int N) whose label, or time and event, each sample takes in a permutation.

    Cases are shuffled, not samples: slides of a case share its label and look alike, so that labels shuffled over
    slides make a null that is too narrow. The j-th sample of a case takes that of the j-th of another case, whose
    samples repeat where it has fewer. strata: by case, the group (a site, a cohort) within which it changes places,
    that of the task unless given; cases that it doesn't name are one more stratum.
    """
    members: dict[str, list[int]] = {}
    for position, name in enumerate(task.samples):
        members.setdefault(task.cases.get(name, name), []).append(position)
    cases = list(members.values())
    order = np.empty(len(task.samples), np.int64)
    within = task.strata if strata is None else strata
    groups = np.array([within.get(name, "") for name in members], object)
    partner, rng = np.empty(len(cases), np.int64), np.random.default_rng([seed, repeat])
    for group in sorted(set(groups)):
        group_members = np.flatnonzero(groups == group)
        partner[group_members] = group_members[rng.permutation(len(group_members))]
    for samples, partner_case in zip(cases, partner, strict=True):
        partner_samples = cases[partner_case]
        order[samples] = [partner_samples[place % len(partner_samples)] for place in range(len(samples))]
    return order


def control_of(protocol: str) -> str:
    """Name of the permuted control of a protocol."""
    return OF_FROZEN if protocol in FROZEN else protocol + ENDING


def is_control(protocol: str) -> bool:
    """True for the permuted control of a protocol."""
    return protocol == OF_FROZEN or protocol.endswith(ENDING)


def permutations_of(task: Task, settings: Probe) -> int:
    """How many permutations a task has: survival has a number of its own, as its risk groups are tested by them."""
    return (
        settings.get("survival_permutations", settings["permutations"])
        if task.is_survival
        else settings["permutations"]
    )


def permutations_on(fold: int, folds: int, permutations: int) -> list[int]:
    """Permutations that are tried on a fold: of more than PERMUTED_FOLDS folds, each the next of them in turn."""
    return [repeat for repeat in range(permutations) if (fold - repeat * PERMUTED_FOLDS) % folds < PERMUTED_FOLDS]


def stratified(task: Task, settings: Probe) -> Task:
    """The task whose controls are shuffled within sites, where the settings ask for that (`permutations_within`).

    Raises BadTask where a sample's site is not known.
    """
    if settings.get("permutations_within", "all") != "site":
        return task
    sites: dict[str, set[str]] = {}
    for name in task.samples:
        if task.sites.get(name, "unknown") == "unknown":
            raise BadTask(
                f"{task.name}: the site of {task.unit} {name} is not known, and `permutations_within: site` needs it; "
                "fill in column site of the slide sheet or set `permutations_within: all`"
            )
        sites.setdefault(task.cases.get(name, name), set()).add(task.sites[name])
    return replace(task, strata={case: "+".join(sorted(case_sites)) for case, case_sites in sites.items()})


def permutation_p(rows: pd.DataFrame, protocol: str, metric: str, shots: int = 0) -> float:
    """Share of permutations (and the data themselves) in which the score is at least as good; nan without a control.

    rows: metrics by protocol, shots, repeat and fold. Each permutation is compared on the folds that both have a value
    on, and (1 + as good) / (1 + permutations) is P (Phipson and Smyth 2010): never 0. Where the protocol has several
    draws, each permutation has as many, which follow one another in `repeat`.
    """
    table = rows[(rows.metric == metric) & (rows.shots == shots)]
    observed_rows = table[(table.protocol == protocol) & np.isfinite(table.value)]
    null = table[(table.protocol == control_of(protocol)) & np.isfinite(table.value)]
    draws = int(rows.repeat[(rows.protocol == protocol) & (rows.shots == shots)].max() + 1) if len(observed_rows) else 1
    observed = observed_rows.groupby(["fold", "repeat"]).value.mean()
    null = null.assign(draw=null.repeat % draws, permutation=null.repeat // draws)
    null = null.join(observed.rename("seen"), on=["fold", "draw"]).dropna(subset="seen")
    if null.empty:
        return float("nan")
    by_draw = null.groupby("permutation")[["value", "seen"]].mean()
    less = metric.removeprefix("pooled_") in LESS_IS_BETTER
    better = by_draw.value - by_draw.seen if less else by_draw.seen - by_draw.value
    return float((1 + (better <= 1e-12).sum()) / (1 + len(by_draw)))


def p_or_words(rows: pd.DataFrame, protocol: str, metric: str, shots: int) -> float | str:
    """`permutation_p`, or that it was not computed; nothing of a control."""
    if is_control(protocol) or protocol in WITHOUT_P:
        return float("nan")
    p = permutation_p(rows, protocol, metric, shots)
    return p if np.isfinite(p) else NOT_COMPUTED
