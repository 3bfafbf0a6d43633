"""Decision curves: net benefit of acting on a probe's probability (Vickers & Elkin 2006, Med Decis Making 26:565)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..tables.calibration import RESAMPLES, Probe
from ..tables.scores import Models
from .panels import colours_of, say_nothing, shown
from .style import COLOURS

#: Thresholds of probability for acting.
THRESHOLDS = np.arange(1, 100) / 100
#: Panels in one picture, and in a row of it; the treatment of all below which a panel ends, as a share of the best.
MOST, WIDE, LOWEST = 12, 4, -0.25
COLUMNS = ["task", "model", "protocol", "positive", "stage", "threshold", "net_benefit", "lower", "upper"]
COLUMNS += ["treat_all", "treat_none", "cases"]
EMPTY = "no frozen probe of a task with classes has predictions"


def net_benefit(positive: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """True positives minus false ones times the odds of the threshold, per case (float B x THRESHOLDS).

    positive: bool N; probability: float N, acted on where it is at least the threshold; weights: float B x N.
    """
    acted = probability[:, None] >= THRESHOLDS
    worth = np.where(positive[:, None], 1.0, -THRESHOLDS / (1 - THRESHOLDS))
    return np.asarray(weights @ (acted * worth) / weights.sum(1, keepdims=True))


def treat_all(prevalence: float) -> np.ndarray:
    """Net benefit of acting on all cases (float THRESHOLDS); on none it is 0."""
    return prevalence - (1 - prevalence) * THRESHOLDS / (1 - THRESHOLDS)


def points_of(probe: Probe, classes: Sequence[str], resamples: int = RESAMPLES) -> Iterator[dict[str, object]]:
    """A row per class, stage and threshold, with 95 % bands over cases.

    Of two classes the second is positive; of more each against the rest. A class without cases has no rows.
    """
    weights = np.concatenate([probe.before.weights[None], probe.before.drawn(resamples, seed=2)])
    count = probe.before.probabilities.shape[1]
    head = {"task": probe.task, "model": probe.model, "protocol": probe.protocol}
    for code in [1] if count == 2 else range(count):
        positive = probe.before.labels == code
        if not positive.any():
            continue
        treated = treat_all(float(np.average(positive, weights=weights[0])))
        for stage, predictions in probe.stages.items():
            values = net_benefit(positive, predictions.probabilities[:, code], weights)
            lower, upper = np.percentile(values[1:], [2.5, 97.5], axis=0)
            for place, threshold in enumerate(THRESHOLDS):
                numbers = {"net_benefit": values[0, place], "lower": lower[place], "upper": upper[place]}
                row = head | {"positive": classes[code], "stage": stage, "threshold": threshold} | numbers
                yield row | {"treat_all": treated[place], "treat_none": 0.0, "cases": predictions.n_cases}


def draw_decisions(numbers: pd.DataFrame, models: Models, protocol: str):
    """A panel per task and positive class, a line per model: after scaling where there is one, else before."""
    shown_numbers = numbers[numbers.protocol == protocol]
    has_after = shown_numbers.groupby(["task", "model", "positive"]).stage.transform(
        lambda stages: (stages == "after").any()
    )
    shown_numbers = shown_numbers[(shown_numbers.stage == "after") | ~has_after.astype(bool)]
    panels = list(dict.fromkeys(zip(shown_numbers.task, shown_numbers.positive, strict=True)))
    if not panels:
        return say_nothing(EMPTY)
    drawn, columns, colours = panels[:MOST], min(WIDE, len(panels)), colours_of(models)
    lines = -(-len(drawn) // columns)
    size = (2.75 * columns + 0.4, 3.0 * lines + 0.6)
    figure, grid = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in list(grid.flat)[len(drawn) :]:
        axes.set_visible(False)
    for place, (axes, (task, positive)) in enumerate(zip(grid.flat, drawn, strict=False)):
        draw_panel(axes, shown_numbers[(shown_numbers.task == task) & (shown_numbers.positive == positive)], colours)
        cases = shown_numbers[shown_numbers.task == task].cases.max()
        axes.set_title(f"{shown(task)}\n{positive}; {cases} cases", fontsize=8, loc="left")
        if place % columns == 0:
            axes.set_ylabel("net benefit per case", fontsize=8)
    names = [model for model in models if model in set(shown_numbers.model)]
    handles = [plt.Line2D([], [], color=colours[model], label=model) for model in names]
    handles.append(plt.Line2D([], [], color="#888888", ls="--", label="act on all"))
    handles.append(plt.Line2D([], [], color="#222222", ls=":", label="act on none"))
    figure.legend(handles=handles, loc="outside upper center", ncols=min(6, len(handles)), frameon=False, fontsize=8)
    caption = f"{protocol} probes after temperature scaling"
    caption += f"; the first {len(drawn)} of {len(panels)} classes, the table has all" * (len(panels) > len(drawn))
    figure.supxlabel(caption, fontsize=8)
    return figure


def draw_panel(axes, numbers: pd.DataFrame, colours) -> None:
    """Curves with bands; the panel ends a little below 0, where acting on all is out of range."""
    first = numbers[numbers.model == numbers.model.iloc[0]]
    top = max(float(first.treat_all.iloc[0]), float(numbers.net_benefit.max()), 0.02)
    axes.plot(first.threshold, first.treat_all, color="#888888", ls="--", lw=1)
    axes.axhline(0, color="#222222", ls=":", lw=1)
    for model, model_numbers in numbers.groupby("model", sort=False):
        colour = colours.get(model, COLOURS[0])
        axes.fill_between(
            model_numbers.threshold, model_numbers.lower, model_numbers.upper, color=colour, alpha=0.12, lw=0
        )
        axes.plot(model_numbers.threshold, model_numbers.net_benefit, color=colour, lw=1.3)
    axes.set(xlim=(0, 1), ylim=(LOWEST * top, 1.12 * top), xticks=np.linspace(0, 1, 6))
    axes.set_xlabel("threshold probability", fontsize=8)
    axes.tick_params(labelsize=7)
