"""ROC, precision-recall and reliability curves of the frozen probes, with bands over cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import write_tsv
from ..probe.intervals import probability_columns, resampled
from ..tables.scores import Models
from .panels import colours_of, say_nothing, shown
from .style import save

#: The frozen probe whose predictions are drawn.
PROTOCOL = "logistic"
#: Points of a curve, bins of a reliability curve, tasks in one picture, resamples of cases.
POINTS, BINS, MOST, RESAMPLES = 101, 10, 12, 200
#: Curves by name: label of x, label of y.
CURVES = {
    "roc": ("1 - specificity", "sensitivity"),
    "precision_recall": ("recall", "precision"),
    "reliability": ("predicted probability", "observed share"),
}
COLUMNS = ["task", "model", "curve", "x", "y", "lower", "upper", "chance", "cases", "predictions"]


def plot_curves(*, predictions: Sequence[str], models: Models, figure: str, table: str, note: str) -> None:
    """Draw a row of panels per task, a line per model; the table has the points of every task.

    predictions: predictions.parquet of frozen probes, of which those of classes are taken. Curves are of all test
    sides' predictions together; two classes: of the positive one, more: the mean over classes, each against the rest.
    Reliability is of the positive class, or of the class that was guessed. Bands: 95 % over resampled cases.
    """
    numbers = pd.DataFrame(curves_of(read_guesses(predictions, models)), columns=COLUMNS)
    write_tsv(table, numbers)
    tasks = list(dict.fromkeys(numbers.task))
    if not tasks:
        save(say_nothing("no frozen probe of a task with classes has predictions"), figure, note)
        return
    save(draw_curves(numbers, tasks[:MOST], models, len(tasks)), figure, note)


def read_guesses(predictions: Sequence[str], models: Models) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Task, model and predictions of the frozen logistic probe, in the order of the files."""
    for path in predictions:
        guesses = pd.read_parquet(path)
        if "prob_0" not in guesses:
            continue
        frozen_guesses = guesses[guesses.protocol == PROTOCOL]
        if len(frozen_guesses) and frozen_guesses.model.iloc[0] in models and frozen_guesses.label.nunique() > 1:
            yield (
                str(frozen_guesses.task.iloc[0]),
                str(frozen_guesses.model.iloc[0]),
                frozen_guesses.dropna(axis=1, how="all"),
            )


def curves_of(guesses: Iterator[tuple[str, str, pd.DataFrame]]) -> Iterator[dict[str, object]]:
    """A row per task, model, curve and point."""
    for task, model, model_guesses in guesses:
        labels, scores = (
            model_guesses.label.to_numpy(int),
            model_guesses[probability_columns(model_guesses)].to_numpy(float),
        )
        cases, places = np.unique(model_guesses.case_id.to_numpy(str), return_inverse=True)
        drawn = resampled(np.random.default_rng(0), len(cases), RESAMPLES)[:, places]
        weights = np.concatenate([np.ones((1, len(model_guesses))), drawn])
        classes = [1] if scores.shape[1] == 2 else sorted(set(labels.tolist()))
        share = float(np.mean([(labels == code).mean() for code in classes]))
        ranked = [ranked_curves(labels == code, scores[:, code], weights) for code in classes]
        curves = {
            name: np.nanmean([points[place] for points in ranked], axis=0)
            for place, name in enumerate(list(CURVES)[:2])
        }
        grid = np.linspace(0, 1, POINTS)
        chance = {"roc": grid, "precision_recall": np.full(POINTS, share)}
        for name, values in curves.items():
            yield from rows_of(task, model, name, grid, values, chance[name], len(cases), len(model_guesses))
        x, values = reliability(labels, scores, weights)
        yield from rows_of(task, model, "reliability", x, values, x, len(cases), len(model_guesses))


def rows_of(task, model, curve, x, values, chance, cases, predictions) -> Iterator[dict[str, object]]:
    """Rows of a curve: the first of `values` (resamples x points) is of the data themselves, the others make bands."""
    lower, upper = (np.nanpercentile(values[1:], q, axis=0) for q in (2.5, 97.5))
    for point in range(len(x)):
        numbers = {"x": x[point], "y": values[0, point], "lower": lower[point], "upper": upper[point]}
        row = {"task": task, "model": model, "curve": curve} | numbers | {"chance": chance[point]}
        yield row | {"cases": cases, "predictions": predictions}


def ranked_curves(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sensitivity by 1 - specificity, and precision by recall, on a grid of POINTS, in each resample (R x POINTS).

    weights: R x N, how often each prediction was drawn. Ties of the score are one step. nan in a resample without one
    of both classes. Precision between two steps is that of the later one, as average precision has it.
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(weights[:, order] * positive[order], axis=1)[:, ends]
    misses = np.cumsum(weights[:, order] * ~positive[order], axis=1)[:, ends]
    grid = np.linspace(0, 1, POINTS)
    roc, precise = (np.full((len(weights), POINTS), np.nan) for _ in range(2))
    for row, (hit, miss) in enumerate(zip(hits, misses, strict=True)):
        if hit[-1] == 0 or miss[-1] == 0:
            continue
        recall = hit / hit[-1]
        roc[row] = np.interp(grid, np.append(0, miss / miss[-1]), np.append(0, recall))
        step = np.searchsorted(recall, grid, side="left").clip(max=len(recall) - 1)
        first = np.flatnonzero(hit > 0)[0]
        precise[row] = (hit / np.maximum(hit + miss, 1e-12))[np.maximum(step, first)]
    return roc, precise


def reliability(labels: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean probability of each bin, and in each resample the share that came true (R x bins); bins of equal number."""
    if scores.shape[1] == 2:
        guess, right = scores[:, 1], labels == 1
    else:
        guess, right = scores.max(1), scores.argmax(1) == labels
    edges = np.unique(np.quantile(guess, np.linspace(0, 1, BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, guess, side="right")
    filled_bins = [bin_number for bin_number in range(len(edges) + 1) if (bins == bin_number).any()]
    drawn = np.stack([weights[:, bins == bin_number].sum(1) for bin_number in filled_bins], axis=1)
    true = np.stack([(weights * right)[:, bins == bin_number].sum(1) for bin_number in filled_bins], axis=1)
    x = np.array([guess[bins == bin_number].mean() for bin_number in filled_bins])
    return x, np.where(drawn > 0, true / np.maximum(drawn, 1), np.nan)


def draw_curves(numbers: pd.DataFrame, tasks: Sequence[str], models: Models, count: int):
    """Panels of tasks (rows) and kinds of curves; where there are more tasks than fit, it says so."""
    colours = colours_of(models)
    size = (3.1 * len(CURVES) + 0.6, 2.9 * len(tasks) + 0.7)
    drawn, panels = plt.subplots(len(tasks), len(CURVES), figsize=size, squeeze=False, layout="constrained")
    for row, task in zip(panels, tasks, strict=True):
        count_of = numbers[numbers.task == task].cases.max()
        row[0].set_title(f"{shown(task)}\n{count_of} cases", fontsize=9, loc="left")
        for axes, (curve, labels) in zip(row, CURVES.items(), strict=True):
            curve_numbers = numbers[(numbers.task == task) & (numbers.curve == curve)]
            first = curve_numbers[curve_numbers.model == curve_numbers.model.iloc[0]]
            axes.plot([0, 1] if curve == "reliability" else first.x, [0, 1] if curve == "reliability" else first.chance)
            axes.lines[-1].set(color="#888888", ls=":", lw=1)
            for model, model_numbers in curve_numbers.groupby("model", sort=False):
                axes.fill_between(
                    model_numbers.x, model_numbers.lower, model_numbers.upper, color=colours[model], alpha=0.13, lw=0
                )
                axes.plot(
                    model_numbers.x,
                    model_numbers.y,
                    color=colours[model],
                    lw=1.3,
                    marker="." * (curve == "reliability"),
                )
            axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), xlabel=labels[0], ylabel=labels[1])
            axes.set_aspect("equal")
            axes.tick_params(labelsize=8)
    names = [model for model in models if model in set(numbers.model)]
    handles = [plt.Line2D([], [], color=colours[model], label=model) for model in names]
    handles.append(plt.Line2D([], [], color="#888888", ls=":", label="chance, or perfect calibration"))
    drawn.legend(handles=handles, loc="outside upper center", ncols=min(4, len(handles)), frameon=False, fontsize=8)
    if count > len(tasks):
        drawn.supxlabel(f"the first {len(tasks)} of {count} tasks; the table has all", fontsize=8)
    return drawn
