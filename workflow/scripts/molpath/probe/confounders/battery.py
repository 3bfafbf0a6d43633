"""The whole battery: one task, its out-of-fold predictions and the columns of its cases, to tidy tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...common.settings.probe import Probe
from ..tasks import Task
from .association import alone, associate
from .columns import Column, read_columns
from .nested import add_model
from .outcomes import Outcome, by_case, combine, of_classes_found
from .pairs import NAMES, Pairs, kind_of
from .refit import Refit
from .strata import WEIGHTING, fall, leaning, score_strata
from .subgroups import assess_subgroups
from .verdict import judge
from .within import Left, permute_within

#: Exchanges of a column over cases, which cost almost nothing.
ASSOCIATIONS = 999
#: Headings of the tables, which those without rows have, too.
CONFOUNDERS = [
    *("task", "p_score", "kind", "column", "note", "unusable", "n", "n_missing", "n_groups", "measure", "association"),
    *("corrected", "spearman", "p_logrank", "p_association", "alone", "alone_lower", "alone_upper", "alone_note"),
    *("score_name", "weighting", "score", "within", "fall", "left", "score_lower", "score_upper", "within_lower"),
    *("within_upper", "fall_lower", "fall_upper", "left_lower", "left_upper", "lean", "p_lean", "p_within"),
    *("within_rank", "p_gain", "z_gain", "how", "covariates", "both", "gain", "gain_lower", "gain_upper", "gain_note"),
    *("verdict", "reason"),
]
STRATA = ["column", "stratum", "n", "labels", "score", "lower", "upper", "note", "task"]
SUBGROUPS = ["column", "group", "n", "metric", "value", "lower", "upper", "interval", "note", "task"]
GAPS = ["column", "metric", "gap", "highest", "lowest", "n_groups", "p", "note", "task"]
NOBODY = "no case has a finite prediction"


@dataclass(frozen=True)
class Battery:
    """Tables of a task. confounders: one row per column, with the verdict and all numbers behind it; strata, subgroups:
    one row per group; gaps: one row per column and metric; left_out: cases that are in none, with the reason."""

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
    Cases that no fold tests, as those of an official training side, are learned from and not judged. Where no case has
    a prediction each column has a row that says so. Raises ValueError for columns that are missing, and predictions of
    several protocols.
    """
    task, predictions = of_classes_found(task, predictions)
    full_task, columns = by_case(task)[0], read_columns(table, by_case(task)[0].samples, names)
    outcome = combine(task, predictions) if len(predictions) else None
    if outcome is None or not outcome.task.samples:
        return without_predictions(task, columns)
    cases, seed = outcome.task, settings["seed"]
    pairs = Pairs(cases, outcome.scores)
    refit = None if embeddings is None else Refit(full_task, case_means(task, embeddings, full_task.samples))
    all_cases = AllCases(full_task, np.isin(full_task.samples, cases.samples), outcome, refit)
    overall = all_cases.left(np.zeros(len(full_task.samples), int), permutations, seed).p
    rows, strata, groups = [], [], []
    for full_column in columns:
        row, column = {"task": task.name, "p_score": overall}, full_column.keep(all_cases.scored)
        rows.append(row | judged(all_cases, full_column, pairs, settings, permutations, bootstraps))
        strata.append(score_strata(cases, column, pairs, bootstraps, seed))
        groups.append(assess_subgroups(outcome, column, pairs, permutations, bootstraps, seed))
    by_group, gaps = [part for part, _ in groups], [part for _, part in groups]
    return Battery(
        with_verdicts(rows),
        joined(strata, STRATA, task.name),
        joined(by_group, SUBGROUPS, task.name),
        joined(gaps, GAPS, task.name),
        pd.DataFrame(sorted(outcome.left_out.items()), columns=["case_id", "reason"]),
    )


def without_predictions(task: Task, columns: Sequence[Column]) -> Battery:
    """The tables of a task of which no fold could be fitted."""
    facts = {"task": task.name, "kind": kind_of(task), "score_name": NAMES[kind_of(task)], "unusable": NOBODY, "n": 0}
    rows = [facts | {"column": column.name, "note": column.note} for column in columns]
    cases, left_out = by_case(task)
    left_out |= dict.fromkeys(cases.samples, "no finite prediction")
    empty = [joined([], names, task.name) for names in (STRATA, SUBGROUPS, GAPS)]
    left_out_cases = pd.DataFrame(sorted(left_out.items()), columns=["case_id", "reason"])
    return Battery(with_verdicts(rows), empty[0], empty[1], empty[2], left_out_cases)


def with_verdicts(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table of columns, with a verdict and its reason."""
    judged_rows = [{**row, **dict(zip(("verdict", "reason"), judge(row), strict=True))} for row in rows]
    return pd.DataFrame(judged_rows, columns=CONFOUNDERS)


def joined(parts: Sequence[pd.DataFrame], names: Sequence[str], task: str) -> pd.DataFrame:
    """Tables below each other, with the task; the headings alone where there are none."""
    filled = [part for part in parts if len(part)]
    table = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(names))
    return table.assign(task=task).reindex(columns=list(names))


@dataclass(frozen=True)
class AllCases:
    """Cases of a task (N), tested or not; scored: those with a prediction (bool N), which outcome has in this order;
    refit: of all of them."""

    task: Task
    scored: np.ndarray
    outcome: Outcome
    refit: Refit | None

    def left(self, groups: np.ndarray, permutations: int, seed: int) -> Left:
        """What is left within groups (int N) of cases with a prediction; labels of others stay where they are."""
        if self.refit is None:
            scores = self.outcome.scores
            return permute_within(self.outcome.task, groups[self.scored], permutations, seed, None, scores)
        return permute_within(self.task, np.where(self.scored, groups, -1), permutations, seed, self.refit)


def judged(
    all_cases: AllCases, full_column: Column, pairs: Pairs, settings: Probe, permutations: int, bootstraps: int
) -> dict[str, Any]:
    """Every number of a column (full_column: of all cases) that the verdict, or a reader of it, asks for."""
    cases, seed, column = all_cases.outcome.task, settings["seed"], full_column.keep(all_cases.scored)
    kind = kind_of(cases)
    row: dict[str, Any] = {"kind": kind, "column": column.name, "note": column.note, "unusable": column.unusable}
    row |= associate(cases, column, ASSOCIATIONS, seed) | alone(all_cases.task, full_column, settings, bootstraps)
    row |= {"score_name": NAMES[kind], "weighting": WEIGHTING} | fall(cases, column, pairs, bootstraps, seed)
    row |= leaning(cases, column, all_cases.outcome.scores, permutations, seed)
    remaining = all_cases.left(full_column.codes, permutations, seed)
    row |= {
        "p_within": remaining.p,
        "within_rank": remaining.score,
        "p_gain": remaining.p_gain,
        "z_gain": remaining.z,
        "how": remaining.how,
    }
    return row | gain_of(all_cases.task, full_column, all_cases.refit, settings, bootstraps)


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
    means: Any = pd.DataFrame(x.astype(np.float64)).groupby(names).mean().reindex(list(cases))
    return np.asarray(means.to_numpy(float))
