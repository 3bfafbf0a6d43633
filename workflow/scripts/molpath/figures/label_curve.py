"""Performance with few labels: AUC by training samples per class, up to all of them."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import write_tsv
from ..probe.intervals import percentiles, probability_columns, resampled
from ..probe.weighted import weighted_classification
from ..tables.scores import Models, kind_of
from .panels import colours_of, say_nothing
from .style import save

#: Probe on few labels, probe on all of them (0 shots), and the score of both.
FEW, ALL, METRIC = "fewshot", "logistic", "macro-ovr-auc"
RESAMPLES = 500
COLUMNS = ["kind", "shots", "auc", "lower", "upper", "gain", "gain_lower", "gain_upper", "seeds", "tasks", "cases"]


#: AUC, and those of resampled cases, of the fits of a kind of model, by task and fold.
Cells = dict[tuple[str, int], list[np.ndarray]]


class Fit(NamedTuple):
    """One test side's predictions by one fitted probe."""

    task: str
    model: str
    shots: int
    fold: int
    predictions: pd.DataFrame


def plot_label_curve(
    *, predictions: Sequence[str], models: Models, reference: str, figure: str, table: str, note: str
) -> None:
    """Draw a line per kind of model; the table has its points, and the gain over the reference with its interval.

    predictions: predictions.parquet of frozen and few-shot probes; tasks that lack either take no part. The score is
    the mean of the AUC over tasks, folds, draws and the seeds of a kind; 95 % intervals are over resampled cases, the
    same draw for all models, so that the interval of a gain is that of a paired difference. A gain is over the tasks
    and folds that both have. reference: a model, ''
    for none.
    """
    fits = [fit for path in predictions for fit in read_fits(path, models)]
    numbers = label_curve(fits, models, reference)
    write_tsv(table, numbers)
    save(draw_label_curve(numbers, models), figure, note)


def read_fits(path: str, models: Models) -> Iterator[Fit]:
    """Test sides of the few-shot probe, or of the plain logistic one on all labels."""
    table = pd.read_parquet(path)
    if "prob_0" not in table:
        return
    chosen_fits = table[table.protocol.isin([FEW, ALL]) & table.model.isin(models)]
    for (task, model, shots, _, fold), part in chosen_fits.groupby(["task", "model", "shots", "repeat", "fold"]):
        yield Fit(str(task), str(model), int(shots), int(fold), part.dropna(axis=1, how="all"))


def label_curve(fits: Sequence[Fit], models: Models, reference: str) -> pd.DataFrame:
    """One row per kind of model and number of training samples per class (0: all)."""
    few_label_tasks, all_label_tasks = (
        {fit.task for fit in fits if (fit.shots > 0) == is_few} for is_few in (True, False)
    )
    fits = [fit for fit in fits if fit.task in few_label_tasks & all_label_tasks]
    cases = sorted({case for fit in fits for case in fit.predictions.case_id})
    place = {case: number for number, case in enumerate(cases)}
    weights = np.concatenate([np.ones((1, len(cases))), resampled(np.random.default_rng(0), len(cases), RESAMPLES)])
    scores_of: dict[tuple[str, int], Cells] = {}
    for fit in fits:
        drawn = weights[:, fit.predictions.case_id.map(place).to_numpy()]
        auc = weighted_classification(
            fit.predictions.label.to_numpy(int), fit.predictions[probability_columns(fit.predictions)].to_numpy(float),
            drawn, METRIC,
        )  # fmt: skip
        if np.isfinite(auc[0]):  # a test side of one class has none
            scores_of.setdefault((kind_of(fit.model, models), fit.shots), {}).setdefault(
                (fit.task, fit.fold), []
            ).append(auc)
    rows = []
    for (kind, shots), cells in scores_of.items():
        seeds, values = {fit.model for fit in fits if kind_of(fit.model, models) == kind}, mean_over_tasks(cells, cells)
        tasks = len({task for task, _ in cells})
        row = {"kind": kind, "shots": shots, "auc": values[0], "seeds": len(seeds), "tasks": tasks}
        row |= dict(zip(("lower", "upper"), percentiles(values[1:]), strict=True)) | {"cases": len(cases)}
        against = scores_of.get((kind_of(reference, models), shots), {})
        shared = cells.keys() & against.keys()  # of other tasks and folds, a difference would be one of their labels
        if shared and kind != kind_of(reference, models):
            gain = mean_over_tasks(cells, shared) - mean_over_tasks(against, shared)
            row |= dict(zip(("gain", "gain_lower", "gain_upper"), (gain[0], *percentiles(gain[1:])), strict=True))
        rows.append(row)
    order = list(dict.fromkeys(kind_of(model, models) for model in models))
    table = pd.DataFrame(rows, columns=COLUMNS).assign(place=lambda t: t.kind.map(order.index))
    table["last"] = table.shots.replace(0, np.inf)
    return table.sort_values(["place", "last"], ignore_index=True).drop(columns=["place", "last"]).round(6)


def mean_over_tasks(cells: Cells, keys: Collection[tuple[str, int]]) -> np.ndarray:
    """Mean over tasks of the mean over fits (float 1 + RESAMPLES), of those tasks and folds."""
    by_task: dict[str, list[np.ndarray]] = {}
    for task, fold in sorted(keys):
        by_task.setdefault(task, []).extend(cells[task, fold])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a resample may have one class in all folds of a task
        return np.mean([np.nanmean(values, 0) for values in by_task.values()], axis=0)


def draw_label_curve(numbers: pd.DataFrame, models: Models, axes=None):
    """AUC by labels; bands over cases; chance dotted. Drawn on `axes` where they are given, else on a new figure."""
    if not len(numbers):
        return say_nothing("no task has both few-shot and frozen probes")
    colours = {kind_of(model, models): colour for model, colour in colours_of(models).items()}
    shots = [*sorted(set(numbers.shots) - {0}), 0]
    if axes is None:
        axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")[1]
    for kind, kind_numbers in numbers.groupby("kind", sort=False):
        x = [shots.index(value) for value in kind_numbers.shots]
        axes.plot(x, kind_numbers.auc, "o-", color=colours[kind], ms=4, label=kind)
        axes.fill_between(x, kind_numbers.lower, kind_numbers.upper, color=colours[kind], alpha=0.15, lw=0)
    ends = numbers.groupby("kind", sort=False).auc.last()
    for kind, height in spread_out(ends, 0.045 * float(np.ptp(axes.get_ylim()))).items():
        axes.annotate(kind, (len(shots) - 1, height), (8, 0), textcoords="offset points", va="center", fontsize=8)
    axes.axhline(0.5, color="#666666", lw=0.9, ls=":")
    axes.set_xticks(range(len(shots)), [*map(str, shots[:-1]), "all"])
    axes.set_xlim(-0.2, len(shots) - 1 + 0.2 * len(shots))
    axes.set_xlabel("training samples per class")
    tasks = numbers.tasks.max()
    axes.set_ylabel(f"AUC, mean of {tasks} task{'s' * int(tasks != 1)}")
    axes.spines[["top", "right"]].set_visible(False)
    return axes.figure


def spread_out(heights: pd.Series, distance: float) -> dict[str, float]:
    """Heights of labels beside the ends of lines, moved apart so that any two are at least `distance` apart."""
    ordered = heights.sort_values()
    values = ordered.to_numpy(float)
    for number in range(1, len(values)):
        if values[number] - values[number - 1] < distance:
            values[number] = values[number - 1] + distance
    return dict(zip(ordered.index, values.tolist(), strict=True))
