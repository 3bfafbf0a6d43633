"""What one model has over another on the same tasks, and how the order of models moves with the probe's penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy.stats import t as student

from ..common.files import write_tsv
from .figures import save
from .panels import colours_of, draw_panels, say_nothing
from .scores import by_task, main_scores, tasks_won
from .tables import kind_of_model, read_metrics

COLUMNS = ["scope", "family", "task", "model", "baseline", "score", "baseline_score", "gain", "lower", "upper", "tasks"]
SWEEP = "logistic_C="


def plot_gains(
    *,
    metrics: str,
    group: str,
    pairs: Mapping[str, Sequence[str]],
    models: Sequence[str],
    label: str,
    figure: str,
    table: str,
    note: str,
) -> None:
    """Score of each model minus the mean of its baselines' (`pairs`): every task, and means over tasks and families."""
    numbers = gains(main_scores(read_metrics(metrics), group, models), pairs)
    write_tsv(table, numbers)
    save(draw_gains(numbers, models, label), figure, note)


def draw_gains(numbers: pd.DataFrame, models: Sequence[str], label: str):
    """A panel for all tasks and one a family: means with intervals, and the tasks behind them as rings."""
    names = list(dict.fromkeys(numbers.model))
    means = numbers[numbers.scope != "task"].assign(stars="", name=lambda t: t.model, value=lambda t: t.gain)
    parts = [
        (f"{family or 'all'}\n{mine.tasks.max()} task{'s' * int(mine.tasks.max() != 1)}".replace("_", " "), label, mine)
        for family, mine in means.groupby("family", sort=False)
    ]
    drawn = draw_panels(parts, names, colours_of(models), line=0)
    tasks = numbers[numbers.scope == "task"]
    for axes, (family, _) in zip(drawn.axes, means.groupby("family", sort=False), strict=False):
        mine = tasks[tasks.family.eq(family) | (family == "")]
        places = [names.index(model) for model in mine.model]
        axes.plot(mine.gain, places, "o", ms=3, mfc="none", mec="#555555", mew=0.6, alpha=0.7, zorder=1)
        low, high = axes.get_xlim()
        room = 0.05 * (high - low)
        axes.set_xlim(min(low, mine.gain.min() - room), max(high, mine.gain.max() + room))
    return drawn


def gains(scores: pd.DataFrame, pairs: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """One row a task and model, then one a family and over all, with Student's 95 % interval over tasks.

    baseline_score: mean of those of the model's baselines that have the task; a task without either is left out.
    """
    rows = []
    wide = by_task(scores, list(dict.fromkeys(scores.model)))
    family = scores.drop_duplicates("task").set_index("task").family
    for model, others in pairs.items():
        others = [name for name in others if name in wide]
        if model not in wide or not others:
            continue
        base = wide[others].mean(axis=1)
        gap = (wide[model] - base).dropna()
        head = {"model": model, "baseline": ", ".join(others)}
        for task in gap.index:
            row = {"scope": "task", "family": family[task], "task": task, "gain": gap[task], "tasks": 1}
            rows.append(head | row | {"score": wide[model][task], "baseline_score": base[task]})
        families = [("all", "", gap)] if len(gap) else []
        if family[gap.index].nunique() > 1:
            families += [("family", name, part) for name, part in gap.groupby(family[gap.index], sort=False)]
        for scope, name, part in families:
            row = {"scope": scope, "family": name, "task": "", "gain": part.mean(), "tasks": len(part)}
            row |= {"score": wide[model][part.index].mean(), "baseline_score": base[part.index].mean()}
            rows.append(head | row | dict(zip(("lower", "upper"), interval(part), strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def interval(values: pd.Series) -> tuple[float, float]:
    """Student's 95 % interval of a mean; nan of a single value."""
    if len(values) < 2:
        return np.nan, np.nan
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean() - half, values.mean() + half


def plot_c_sweep(*, metrics: str, models: Sequence[str], c: float, figure: str, table: str, note: str) -> None:
    """Mean score, and share of tasks won, of every kind of model over the strengths of the probe's penalty.

    c: the strength of the probe itself (0: adaptive), which is one of the sweep's points.
    """
    numbers = sweep(read_metrics(metrics), models, c)
    write_tsv(table, numbers)
    save(draw_sweep(numbers, models), figure, note)


def sweep(metrics: pd.DataFrame, models: Sequence[str], c: float) -> pd.DataFrame:
    """One row a strength and kind of model: mean over the tasks that every strength has, tasks won, their share."""
    own = SWEEP + (f"{c:g}" if c else "adaptive")
    table = metrics[(metrics.primary == 1) & (metrics.group == "frozen") & metrics.model.isin(models)]
    swept = table[table.protocol.str.startswith(SWEEP)]
    if own not in set(swept.protocol):
        probed = table[(table.protocol == "logistic") & table.task.isin(swept.task)]
        swept = pd.concat([swept, probed.assign(protocol=own)])
    strengths = sorted(set(swept.protocol), key=lambda name: float(name.removeprefix(SWEEP).replace("adaptive", "inf")))
    common = set.intersection(*(set(swept.task[swept.protocol == name]) for name in strengths)) if strengths else set()
    rows = []
    for strength in strengths:
        wide = by_task(swept[(swept.protocol == strength) & swept.task.isin(common)], models)
        won, kinds = tasks_won(wide), [kind_of_model(model)[0] for model in wide]
        means = wide.mean().groupby(kinds, sort=False).mean()
        for kind, mean in means.items():
            row = {"C": strength.removeprefix(SWEEP), "kind": kind, "tasks": len(wide), "mean": mean}
            rows.append(row | {"won": int(won[kind]), "share": won[kind] / max(1, len(wide))})
    return pd.DataFrame(rows, columns=["C", "kind", "tasks", "mean", "won", "share"])


def draw_sweep(numbers: pd.DataFrame, models: Sequence[str]):
    """Two panels of lines over the strengths."""
    if numbers.empty:
        return say_nothing("no task has a sweep of C")
    colours = {kind_of_model(model)[0]: colour for model, colour in colours_of(models).items()}
    strengths, kinds = list(dict.fromkeys(numbers.C)), list(dict.fromkeys(numbers.kind))
    size = 2 * (1.6 + 0.5 * len(strengths)) + 2.2, 3.4
    figure, panels = plt.subplots(1, 2, figsize=size, layout="constrained")
    for axes, column, label in zip(panels, ("mean", "share"), ("mean score", "share of tasks won"), strict=True):
        for place, kind in enumerate(kinds):
            mine = numbers[numbers.kind == kind].set_index("C")[column].reindex(strengths)
            axes.plot(range(len(strengths)), mine, "osD^v"[place % 5] + "-", ms=5, color=colours[kind], label=kind)
        axes.set_xticks(range(len(strengths)), strengths, fontsize=8)
        axes.set_xlabel("C (inverse strength of the L2 penalty)", fontsize=9)
        axes.set_ylabel(f"{label}, {numbers.tasks.iloc[0]} tasks", fontsize=9)
        axes.set_xlim(-0.4, len(strengths) - 0.6)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right upper", frameon=False, fontsize=9)
    return figure
