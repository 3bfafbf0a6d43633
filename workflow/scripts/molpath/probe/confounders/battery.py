"""The whole battery: one task, its out-of-fold predictions and the columns of its cases, to tidy tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...common.settings.probe import Probe
from ..tasks import Task
from .association import alone, associate
from .columns import Column, read_columns
from .nested import add_model
from .outcomes import Outcome, combine, of_classes_found
from .pairs import NAMES, Pairs, kind_of
from .refit import Refit
from .strata import WEIGHTING, fall, leaning, score_strata
from .subgroups import assess_subgroups
from .verdict import judge
from .within import permute_within

#: Exchanges of a column over cases, which cost next to nothing.
ASSOCIATIONS = 999


@dataclass(frozen=True)
class Battery:
    """Tables of a task. confounders: one row a column, with the verdict and every number behind it; strata, subgroups:
    one row a group; gaps: one row a column and metric; left_out: cases that are in none, with the reason."""

    confounders: pd.DataFrame
    strata: pd.DataFrame
    subgroups: pd.DataFrame
    gaps: pd.DataFrame
    left_out: pd.DataFrame


def assess(
    task: Task,
    predictions: pd.DataFrame,
    table: pd.DataFrame,
    names: Sequence[str],
    settings: Probe,
    embeddings: np.ndarray | None = None,
    permutations: int = 199,
    bootstraps: int = 500,
) -> Battery:
    """Judge columns `names` of `table` (one row per case, index case_id) as confounders of a task.

    predictions: out of fold, of one protocol, as Results writes them. embeddings: float N x D in the order of
    task.samples, those of a case are averaged; without them what is left within groups is tested on the scores as they
    are, which finds too much, and the gain over a column isn't computed: both are said in `how` and `gain_note`.
    settings: section probe of the config; its seed is the seed here. Cost grows with cases squared times columns.
    Raises ValueError for columns that aren't there, and predictions of several protocols.
    """
    task, predictions = of_classes_found(task, predictions)
    outcome = combine(task, predictions)
    cases, seed = outcome.task, settings["seed"]
    if not cases.samples:
        raise ValueError(f"{task.name}: no case has a finite prediction")
    columns = read_columns(table, cases.samples, names)
    pairs = Pairs(cases, outcome.scores)
    refit = None if embeddings is None else Refit(cases, case_means(task, embeddings, cases.samples))
    everybody = np.zeros(len(cases.samples), int)
    overall = permute_within(cases, everybody, permutations, seed, refit, outcome.scores).p
    rows, strata, groups = [], [], []
    for column in columns:
        row = {"task": task.name, "p_score": overall}
        rows.append(row | judged(outcome, column, pairs, refit, settings, permutations, bootstraps))
        strata.append(score_strata(cases, column, pairs, bootstraps, seed))
        groups.append(assess_subgroups(outcome, column, pairs, permutations, bootstraps, seed))
    confounders = pd.DataFrame([row | dict(zip(("verdict", "reason"), judge(row), strict=True)) for row in rows])
    by_group, gaps = zip(*groups, strict=True)
    named = [pd.concat(found, ignore_index=True).assign(task=task.name) for found in (strata, by_group, gaps)]
    left_out = pd.DataFrame(sorted(outcome.left_out.items()), columns=["case_id", "reason"])
    return Battery(confounders, named[0], named[1], named[2], left_out)


def judged(
    outcome: Outcome,
    column: Column,
    pairs: Pairs,
    refit: Refit | None,
    settings: Probe,
    permutations: int,
    bootstraps: int,
) -> dict[str, Any]:
    """Every number of a column that the verdict, or a reader of it, asks for."""
    cases, seed, kind = outcome.task, settings["seed"], kind_of(outcome.task)
    row: dict[str, Any] = {"kind": kind, "column": column.name, "note": column.note, "unusable": column.unusable}
    row |= associate(cases, column, ASSOCIATIONS, seed) | alone(cases, column, settings, bootstraps)
    row |= {"score_name": NAMES[kind], "weighting": WEIGHTING} | fall(cases, column, pairs, bootstraps, seed)
    row |= leaning(cases, column, outcome.scores, permutations, seed)
    left = permute_within(cases, column.codes, permutations, seed, refit, outcome.scores)
    row |= {"p_within": left.p, "within_rank": left.score, "p_gain": left.p_gain, "z_gain": left.z, "how": left.how}
    return row | gain_of(cases, column, refit, settings, bootstraps)


def gain_of(
    task: Task, column: Column, refit: Refit | None, settings: Probe, bootstraps: int
) -> dict[str, float | str]:
    """`nested.add_model`, or why it wasn't computed."""
    blank: dict[str, float | str] = dict.fromkeys(("covariates", "both", "gain", "gain_lower", "gain_upper"), np.nan)
    if refit is None:
        return blank | {"gain_note": "not computed: no embeddings given"}
    if len(column.names) < 2:
        return blank | {"gain_note": column.unusable}
    return add_model(task, column, refit, settings, bootstraps)


def case_means(task: Task, x: np.ndarray, cases: Sequence[str]) -> np.ndarray:
    """Mean embedding of each case (float64 len(cases) x D); x: float N x D in the order of task.samples.

    Raises ValueError where a number isn't finite, or rows and samples differ in number.
    """
    if len(x) != len(task.samples):
        raise ValueError(f"{len(x)} embeddings of {len(task.samples)} samples; give one row per sample")
    if not np.isfinite(x).all():
        sample = task.samples[int(np.flatnonzero(~np.isfinite(x).all(1))[0])]
        raise ValueError(f"{task.name}: the embedding of {sample} has numbers that are not finite; make it again")
    names = pd.Index([task.cases.get(name, name) for name in task.samples])
    found: Any = pd.DataFrame(x.astype(np.float64)).groupby(names).mean().reindex(list(cases))
    return np.asarray(found.to_numpy(float))
