"""Reliability diagrams before and after temperature scaling, with bands over cases and how often each was predicted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..probe.calibration import PER_BIN
from ..probe.recalibration import Predictions
from ..tables.calibration import RESAMPLES, STAGES, Probe
from .panels import say_nothing, shown
from .style import COLOURS

#: Bins of a diagram at most, bars of its histogram; tasks in one picture, and in a row of it.
BINS, BARS, MOST, WIDE = 10, 20, 12, 4
COLUMNS = ["task", "model", "protocol", "stage", "predicted", "observed", "lower", "upper", "cases", "predictions"]
#: Colour, marker and words of each stage.
STYLES = {"before": (COLOURS[0], "o", "as predicted"), "after": (COLOURS[5], "s", "after temperature scaling")}
EMPTY = "no frozen probe of a task with classes has predictions"


def points_of(probe: Probe, resamples: int = RESAMPLES) -> Iterator[dict[str, object]]:
    """A row per stage and bin: mean probability, share that came true with its 95 % band over cases, and counts."""
    weights = probe.before.drawn(resamples, seed=1)
    head = {"task": probe.task, "model": probe.model, "protocol": probe.protocol}
    for stage, predictions in probe.stages.items():
        for point in bins_of(predictions, weights):
            yield {**head, "stage": stage, **point}


def bins_of(predictions: Predictions, weights: np.ndarray) -> Iterator[dict[str, float]]:
    """Bins of equal number, of PER_BIN cases on average at least: of the positive class, or of the guess of several."""
    guess, right = guesses(predictions)
    count = int(np.clip(predictions.n_cases // PER_BIN, 1, BINS))
    edges = np.unique(np.quantile(guess, np.linspace(0, 1, count + 1)[1:-1]))
    place = np.searchsorted(edges, guess, side="right")
    for bin_number in np.unique(place):
        in_bin = place == bin_number
        bin_weights, drawn = predictions.weights[in_bin], weights[:, in_bin]
        with np.errstate(invalid="ignore"):
            shares = (drawn @ right[in_bin]) / drawn.sum(1)
        shares = shares[np.isfinite(shares)]
        lower, upper = np.percentile(shares, [2.5, 97.5]) if len(shares) else (np.nan, np.nan)
        yield {
            "predicted": np.average(guess[in_bin], weights=bin_weights),
            "observed": np.average(right[in_bin], weights=bin_weights),
            "lower": lower,
            "upper": upper,
            "cases": len(np.unique(predictions.cases[in_bin])),
            "predictions": int(in_bin.sum()),
        }


def guesses(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Probability and whether it came true (float N each) of the positive class, or of the class that was guessed."""
    scores, labels = predictions.probabilities, predictions.labels
    if scores.shape[1] == 2:
        return scores[:, 1], (labels == 1).astype(float)
    return scores.max(1), (scores.argmax(1) == labels).astype(float)


def draw_reliability(probes: Sequence[Probe], numbers: pd.DataFrame, scores: pd.DataFrame):
    """A diagram per task above the histogram of its predictions; numbers: rows of points_of; scores: of `tabulate`."""
    if not probes:
        return say_nothing(EMPTY)
    drawn, columns = probes[:MOST], min(WIDE, len(probes))
    lines = -(-len(drawn) // columns)
    figure = plt.figure(figsize=(2.75 * columns + 0.4, 4.5 * lines + 0.5), layout="constrained")
    panels = figure.subplots(2 * lines, columns, squeeze=False, height_ratios=[4, 1] * lines)
    for axes in panels.flat:
        axes.set_visible(False)
    for place, probe in enumerate(drawn):
        row, column = divmod(place, columns)
        of_probe = (numbers.task == probe.task) & (numbers.model == probe.model) & (numbers.protocol == probe.protocol)
        draw_diagram(panels[2 * row][column], probe, numbers[of_probe])
        draw_counts(panels[2 * row + 1][column], probe)
        panels[2 * row][column].set_title(title_of(probe, scores), fontsize=8, loc="left")
        if column == 0:
            panels[2 * row][column].set_ylabel("share that came true", fontsize=8)
            panels[2 * row + 1][column].set_ylabel("cases", fontsize=8)
    handles = [plt.Line2D([], [], color=c, marker=m, ms=4, label=stage_name) for c, m, stage_name in STYLES.values()]
    handles.append(plt.Line2D([], [], color="#888888", ls=":", label="perfect calibration"))
    figure.legend(handles=handles, loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    caption = f"{drawn[0].model}, {drawn[0].protocol} probe"
    caption += f"; the first {len(drawn)} of {len(probes)} tasks, the table has all" * (len(probes) > len(drawn))
    figure.supxlabel(caption, fontsize=8)
    return figure


def title_of(probe: Probe, scores: pd.DataFrame) -> str:
    """Task, cases, and the error before and after."""
    probe_scores = scores[
        (scores.task == probe.task) & (scores.model == probe.model) & (scores.protocol == probe.protocol)
    ]
    row = probe_scores.iloc[0]
    change = f"ECE {row.ece_before:.3f}" + (f" → {row.ece_after:.3f}" if probe.scaled else ", not scaled")
    few_cases = f"only {row.n_rarest} cases of the rarest class\n" if "few cases" in row.note else ""
    return f"{shown(probe.task)}\n{probe.before.n_cases} cases; {change}\n{few_cases}".rstrip()


def draw_diagram(axes, probe: Probe, points: pd.DataFrame) -> None:
    """Lines of both stages with their bands, in a square from 0 to 1."""
    axes.set_visible(True)
    axes.plot([0, 1], [0, 1], color="#888888", ls=":", lw=1, zorder=1)
    for stage in [name for name in STAGES if name in set(points.stage)]:
        colour, marker, _ = STYLES[stage]
        stage_points = points[points.stage == stage]
        error = np.abs(stage_points[["lower", "upper"]].to_numpy(float).T - stage_points.observed.to_numpy(float))
        axes.errorbar(
            stage_points.predicted, stage_points.observed, error, color=colour, lw=0, elinewidth=1, alpha=0.5, zorder=2
        )
        axes.plot(stage_points.predicted, stage_points.observed, color=colour, marker=marker, ms=3.5, lw=1.2, zorder=3)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
    axes.set_aspect("equal", anchor="S")
    axes.tick_params(labelsize=7, labelbottom=False)


def draw_counts(axes, probe: Probe) -> None:
    """How many cases have which predicted probability, before (filled) and after (line)."""
    axes.set_visible(True)
    edges = np.linspace(0, 1, BARS + 1)
    for stage, predictions in probe.stages.items():
        filled = {"histtype": "stepfilled", "alpha": 0.3} if stage == "before" else {"histtype": "step", "lw": 1.2}
        axes.hist(guesses(predictions)[0], edges, weights=predictions.weights, color=STYLES[stage][0], **filled)
    positive = probe.before.probabilities.shape[1] == 2
    axes.set_xlabel("predicted probability" + ("" if positive else " of the guess"), fontsize=8)
    axes.set(xlim=(-0.02, 1.02), xticks=np.linspace(0, 1, 6))
    axes.tick_params(labelsize=7)
