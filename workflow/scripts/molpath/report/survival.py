"""Kaplan-Meier curves of risk groups, with log-rank tests (section 7.5; the threshold is ours, see below)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from .contrasts import holm

#: The paper doesn't say where it cuts (its facts, section 11, point 19).
CUTS = {"train": "median risk of each fold's training side", "test": "median risk of each fold's test side"}


def risk_groups(predictions: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """One row a sample (index sample_id): time, event, high (bool); and how risk was cut.

    predictions: rows of one task and model with fold, sample_id, time, event, risk, and cutoff (the median risk of the
    fold's training side) where the probe recorded it. A sample is at high risk where it is above the cut in more than
    half of the folds that test it, so that every sample counts once however many folds there are.
    """
    cut = "train" if "cutoff" in predictions and predictions.cutoff.notna().all() else "test"
    limit = predictions.cutoff if cut == "train" else predictions.groupby("fold").risk.transform("median")
    table = predictions.assign(high=(predictions.risk > limit).astype(float))
    samples = table.groupby("sample_id", sort=True).agg(
        time=("time", "first"), event=("event", "first"), high=("high", "mean")
    )
    return samples.assign(event=samples.event.astype(bool), high=samples.high > 0.5), CUTS[cut]


def compare_groups(samples: pd.DataFrame, head: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of survival.tsv: both groups with n, events, median time; log-rank statistic and p, or a note."""
    from lifelines import KaplanMeierFitter
    from lifelines.statistics import logrank_test

    high, low = samples[samples.high], samples[~samples.high]
    statistic, p, note = np.nan, np.nan, ""
    if len(high) and len(low) and samples.event.any():
        test = logrank_test(high.time, low.time, high.event, low.event)
        statistic, p = test.test_statistic, test.p_value
    else:
        note = "not tested: " + ("no event" if len(high) and len(low) else "every sample is in one group")
    rows = []
    for name, part in (("low", low), ("high", high)):
        middle = KaplanMeierFitter().fit(part.time, part.event).median_survival_time_ if len(part) else np.nan
        counts = {"risk": name, "n": len(part), "events": int(part.event.sum()), "median_time": middle}
        rows.append(head | counts | {"statistic": statistic, "p": p, "note": note})
    return rows


def test_survival(tables: Sequence[pd.DataFrame]) -> tuple[pd.DataFrame, dict[tuple[str, str, str], pd.DataFrame]]:
    """survival.tsv and the samples of every (task, group, model). tables: predictions of survival tasks.

    p_adjusted: Holm over the models of a task.
    """
    rows, samples = [], {}
    for table in tables:
        key = tuple(table[["task", "group", "model"]].iloc[0])
        samples[key], cut = risk_groups(table)
        rows += compare_groups(samples[key], dict(zip(("task", "group", "model"), key, strict=True)) | {"cut": cut})
    columns = ["task", "group", "model", "cut", "risk", "n", "events", "median_time", "statistic", "p", "note"]
    found = pd.DataFrame(rows, columns=columns)
    found.insert(10, "p_adjusted", np.nan)
    for _, mine in found[found.risk == "high"].groupby(["task", "group"]):
        adjusted = dict(zip(mine.model, holm(mine.p), strict=True))
        where = found.task.isin(mine.task) & found.group.isin(mine.group)
        found.loc[where, "p_adjusted"] = found.model[where].map(adjusted)
    return found, samples


def plot_survival(table: pd.DataFrame, samples: dict, output: str, note: str) -> None:
    """Kaplan-Meier curves with numbers at risk: one row of panels a task, one panel a model that has it."""
    import matplotlib.pyplot as plt

    from .figures import save
    from .panels import say_nothing, shown

    if not samples:
        save(say_nothing("no survival task in use"), output, note)
        return
    tasks = list(dict.fromkeys((task, group) for task, group, _ in samples))
    models = list(dict.fromkeys(model for *_, model in samples))
    shape = len(tasks), len(models)
    figure, panels = plt.subplots(*shape, figsize=(2.7 * shape[1] + 0.6, 3.4 * shape[0]), sharey=True, squeeze=False)
    for axes in panels.flat:
        axes.set_visible(False)
    for (task, group, model), mine in samples.items():
        row = panels[tasks.index((task, group))]
        axes = next(axes for axes in row if not axes.get_visible())
        axes.set_visible(True)
        draw_curves(axes, mine)
        p = table[(table.task == task) & (table.group == group) & (table.model == model)].p.iloc[0]
        axes.set_title(f"{model}\n{shown(task)} ({named(group)})", fontsize=8)
        axes.text(0.97, 0.95, f"log-rank p = {p:.2g}" if np.isfinite(p) else "not tested", transform=axes.transAxes)
        axes.texts[-1].set(ha="right", va="top", fontsize=8)
        axes.tick_params(labelsize=8)
    for row in panels:
        row[0].set_ylabel("survival", fontsize=9)
    handles = {word: line for axes in panels.flat for line, word in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(
        handles.values(), handles, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False, fontsize=9
    )
    figure.tight_layout(h_pad=2)
    save(figure, output, note)


def named(group: str) -> str:
    """A group of protocols in words: 'prompt:prompt_rna' is 'prompt rna'."""
    return (group.partition(":")[2] or group).replace("_", " ")


def draw_curves(axes, samples: pd.DataFrame) -> None:
    """Steps of both groups; ticks where someone was censored; below the axis how many are at risk at its ticks."""
    from lifelines import KaplanMeierFitter
    from matplotlib.ticker import MaxNLocator

    from .figures import COLOURS

    longest = samples.time.max()
    ticks = [tick for tick in MaxNLocator(4, integer=True).tick_values(0, longest) if 0 <= tick <= longest]
    axes.set_xticks(ticks)
    for line, (high, colour, word) in enumerate(((False, COLOURS[0], "low risk"), (True, COLOURS[5], "high risk"))):
        part = samples[samples.high == high]
        if not len(part):
            continue
        curve = KaplanMeierFitter().fit(part.time, part.event).survival_function_.iloc[:, 0]
        axes.step(curve.index, curve, where="post", color=colour, lw=1.4, label=word)
        censored = part.time[~part.event]
        axes.plot(censored, curve.loc[censored], "|", color=colour, ms=4)
        for tick in ticks:
            at_risk = int((part.time >= tick).sum())
            place = axes.get_xaxis_transform()
            axes.text(tick, -0.34 - 0.09 * line, at_risk, transform=place, color=colour, fontsize=7, ha="center")
    axes.set_xlabel("time (unit of the task); below: at risk", fontsize=8)
    axes.set_ylim(0, 1.02)
