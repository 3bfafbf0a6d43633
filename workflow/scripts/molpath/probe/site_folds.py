"""Folds that keep whole sites on one side, beside those that a task gives: what is left of a score at another hospital.

keep_sites: as many folds as the task has, at most MOST, whole sites drawn to them, stratified by label.
leave_one_site_out: each site that is large enough is tested once by a probe of all others.
Samples whose site is unknown are on neither side. Sites that share a case are one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..common.settings.probe import Probe
from .confounders.columns import word_of
from .results import Predict, Results
from .splits import quietly, warn_of_sizes
from .tasks import Task

log = logging.getLogger(__name__)

KEEP, LEAVE_ONE = "keep_sites", "leave_one_site_out"
#: Folds of whole sites at most; samples of a site that is tested alone at least.
MOST, FEWEST = 5, 10
UNKNOWN = "unknown"


def groups_of(task: Task) -> np.ndarray:
    """Group of sites of each sample (int N; -1: unknown): sites with a case, or a sample, in common are one group."""
    names = [{*filter(word_of, task.sites.get(name, UNKNOWN).split("+"))} for name in task.samples]
    cases = np.unique([task.cases.get(name, name) for name in task.samples], return_inverse=True)[1]
    sites = {site: number for number, site in enumerate(sorted(set().union(*names)))}
    links = [(case, sites[site]) for case, case_sites in zip(cases, names, strict=True) for site in case_sites]
    if not links:
        return np.full(len(cases), -1)
    first, second = np.array(links).T
    count = int(cases.max()) + 1
    graph = coo_array((np.ones(len(links)), (first, second + count)), shape=(count + len(sites),) * 2)
    part = connected_components(graph, directed=False)[1]
    return np.where(np.isin(cases, first), part[cases], -1)


def strata_of(task: Task) -> np.ndarray:
    """What folds are stratified by (int N): classes, events, halves of numbers."""
    if task.is_survival:
        return task.survival[1].astype(int)
    return (task.values > np.median(task.values)).astype(int) if task.is_regression else task.labels


def keep_sites(task: Task, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Train and test positions of each fold of whole sites; none where fewer than two groups of sites are known."""
    from sklearn.model_selection import StratifiedGroupKFold

    groups = groups_of(task)
    of_known_site = np.flatnonzero(groups >= 0)
    folds = min(max(2, task.folds.shape[1]), MOST, len(set(groups[of_known_site])))
    if folds < 2:
        return
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    sides = quietly(splitter.split(of_known_site, strata_of(task)[of_known_site], groups[of_known_site]))
    warn_of_sizes([len(test) for _, test in sides], len(of_known_site), f"{task.name}, {KEEP}")
    for train, test in sides:
        yield of_known_site[train], of_known_site[test]


def leave_one_site_out(task: Task) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same for each site with FEWEST samples and two classes (events, halves of numbers) at least."""
    groups, strata = groups_of(task), strata_of(task)
    for group in sorted(set(groups) - {-1}):
        test = np.flatnonzero(groups == group)
        if len(test) >= FEWEST and len(set(strata[test])) > 1 and len(set(groups) - {-1}) > 1:
            yield np.flatnonzero((groups >= 0) & (groups != group)), test


def add_site_folds(results: Results, predict: Predict, settings: Probe) -> None:
    """Add the protocols of `site_folds` for the task's own probe; where no folds can be made, the log says so."""
    task, protocols = results.task, settings.get("site_folds", ())
    makers = {KEEP: lambda: keep_sites(task, settings["seed"]), LEAVE_ONE: lambda: leave_one_site_out(task)}
    for name in [name for name in makers if name in protocols]:
        folds = list(makers[name]()) if task.sites else []
        if not folds:
            missing = "sites that can be kept apart" if task.sites else "site of its slides (column site of the sheet)"
            log.warning("%s: no protocol %s, as it has no %s", task.name, name, missing)
        for fold, (train, test) in enumerate(folds):
            results.add(name, fold, train, test, predict)
