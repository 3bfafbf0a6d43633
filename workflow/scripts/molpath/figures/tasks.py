"""Frozen probes task by task: scores with intervals, a heatmap, boxes over folds of small cohorts."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..probe.permuting import OF_FROZEN
from ..probe.results import EMPTY, OVERLAP
from ..tables.formats import words_of
from ..tables.scores import (
    Models,
    beside_reference,
    by_task,
    fold_values,
    kind_of,
    main_scores,
    notes_of_folds,
    read_metrics,
    read_tests,
    stars,
)
from .panels import add_stars, box_numbers, colours_of, draw_boxes, grid_of_panels, name_rows, say_nothing, shown
from .style import save

#: Columns of a score's controls, and the colour of their band.
BESIDE = ("permuted_lower", "permuted_upper", "site_only", "site_lower", "site_upper")
GREY = "#c9c9c9"
#: Tasks that one column of panels holds.
TALL = 21


def plot_tasks(*, metrics: str, models: Models, figure: str, table: str, note: str) -> None:
    """Score and interval of every model on every task (frozen probes, the task's first metric), grouped by family.

    Beside each, the band of its permuted labels; below a task's models the probe on the site alone, where there are
    such controls.
    """
    all_metrics = read_metrics(metrics)
    scores = with_controls(main_scores(all_metrics, "frozen", models), all_metrics)
    score_columns = ["family", "task", "metric", "model", "mean", "lower", "upper", "n_folds", "n_fits", "n_failed"]
    write_tsv(table, scores[[*score_columns, "n_empty", "chance", *BESIDE]])
    tasks = list(dict.fromkeys(scores.task))
    if not tasks:
        save(say_nothing("no task has a score"), figure, note)
        return
    names = [model for model in models if model in set(scores.model)]
    columns = -(-len(tasks) // TALL)
    length = -(-len(tasks) // columns)
    height = max(0.34, 0.08 * len(names))  # inches per task
    size = (6.2 * columns, height * (length + 3) + 0.6)
    drawn, panels = plt.subplots(1, columns, figsize=size, squeeze=False, layout="constrained", sharex=True)
    for number, axes in enumerate(panels.flat):
        draw_column(axes, scores, tasks[number * length : (number + 1) * length], names, colours_of(models))
    handles = legend_of(names, colours_of(models), models) + legend_of_controls(scores)
    drawn.legend(handles=handles, loc="outside upper center", ncols=min(8, len(handles)), frameon=False, fontsize=9)
    save(drawn, figure, note)


def with_controls(scores: pd.DataFrame, all_metrics: pd.DataFrame) -> pd.DataFrame:
    """Scores with the columns BESIDE: the band of the model's permuted labels, and the probe on the site alone."""
    frozen = all_metrics[(all_metrics.group == "frozen") & (all_metrics.primary == 1)]
    key = ["task", "model", "metric"]
    permuted = frozen[frozen.protocol == OF_FROZEN][[*key, "lower", "upper"]]
    site = frozen[frozen.protocol == "site_only"][[*key, "mean", "lower", "upper"]]
    joined = scores.merge(permuted.set_axis([*key, *BESIDE[:2]], axis=1), on=key, how="left")
    return joined.merge(site.set_axis([*key, *BESIDE[2:]], axis=1), on=key, how="left")


def legend_of_controls(scores: pd.DataFrame) -> list:
    """Handles of the existing controls."""
    band = plt.Line2D([], [], color=GREY, lw=4, label="permuted labels, 95 %")
    site = plt.Line2D([], [], marker="D", ls="", ms=4, color="#222222", label="site alone")
    return [band] * bool(scores.permuted_lower.notna().any()) + [site] * bool(scores.site_only.notna().any())


def draw_column(axes, scores: pd.DataFrame, tasks: list[str], names: list[str], colours) -> None:
    """Tasks from the top, each family below its name."""
    family = scores.drop_duplicates("task").set_index("task").family
    metric = scores.drop_duplicates("task").set_index("task").metric
    places, heads, row_number = {}, {}, -1
    for task in tasks:
        if family[task] not in heads:
            heads[family[task]] = row_number = row_number + 1
        places[task] = row_number = row_number + 1
    rows = len(names) + bool(scores.site_only.notna().any())
    offsets = np.linspace(-0.34, 0.34, rows) if rows > 1 else np.zeros(1)
    sites = scores.groupby("task")[list(BESIDE[2:])].first()
    for task in tasks if rows > len(names) else []:  # the same for every model
        axes.hlines(places[task] + offsets[-1], sites.site_lower[task], sites.site_upper[task], color="#222222", lw=1)
        axes.plot(sites.site_only[task], places[task] + offsets[-1], "D", ms=3, color="#222222")
    for number, (name, offset) in enumerate(zip(names, offsets, strict=False)):
        model_scores = scores[scores.model == name].set_index("task").reindex(tasks)
        y = np.array([places[task] for task in tasks]) + offset
        axes.hlines(y, model_scores.permuted_lower, model_scores.permuted_upper, color=GREY, lw=4, zorder=1)
        axes.hlines(y, model_scores.lower, model_scores.upper, color=colours[name], alpha=0.45, lw=1.6)
        has_failed = (model_scores.n_failed + model_scores.n_empty > 0).to_numpy()
        axes.plot(
            model_scores["mean"][~has_failed], y[~has_failed], "o", ms=3.8, color=colours[name], mec="#333333", mew=0.3
        )
        axes.plot(model_scores["mean"][has_failed], y[has_failed], "o", ms=3.8, color="white", mec=colours[name], mew=1)
        for value, place, fold_note in zip(
            model_scores["mean"][has_failed],
            y[has_failed],
            np.array(notes_of_folds(model_scores))[has_failed],
            strict=True,
        ):
            if np.isfinite(value):
                short = fold_note.replace(" folds", "").replace(f"{EMPTY} in", "empty")
                # Rows are lower than letters: words of neighbours are side by side.
                label_offset = 5 + 44 * (number % 2)
                axes.annotate(short, (value, place), (label_offset, -2), textcoords="offset points", fontsize=6)
    chance = scores.groupby("task").chance.first()
    for task, place in places.items():
        axes.axhspan(place - 0.48, place + 0.48, color="#f5f5f5", zorder=0, lw=0)
        if np.isfinite(chance[task]):
            axes.vlines(chance[task], place - 0.48, place + 0.48, color="#999999", lw=1, ls=":")
    labels = {place: f"{task}  ({words_of(metric[task])})" for task, place in places.items()}
    labels |= {place: name.replace("_", " ") for name, place in heads.items()}
    axes.set_yticks(sorted(labels), [labels[place] for place in sorted(labels)], fontsize=8)
    for label, place in zip(axes.get_yticklabels(), sorted(labels), strict=True):
        label.set_fontweight("bold" if place in heads.values() else "normal")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(row_number + 0.6, -0.6)
    label = "score: mean over folds and 95 % interval; dotted: chance"
    if (scores.n_failed + scores.n_empty > 0).any():
        label += "; ring: folds failed, or empty (no coefficient kept)"
    axes.set_xlabel(label, fontsize=9)


def legend_of(names: Sequence[str], colours, models: Models) -> list:
    """One handle per kind of model."""
    kinds = {kind_of(name, models): colours[name] for name in names}
    return [
        plt.Line2D([], [], marker="o", ls="", ms=6, mec="#333333", mew=0.3, color=colour, label=kind)
        for kind, colour in kinds.items()
    ]


def plot_heatmap(*, metrics: str, models: Models, figure: str, table: str, note: str) -> None:
    """Tasks x models: every score as number and colour, the best of each task in bold.

    Colours go from chance to 1, each metric by its own (balanced accuracy by the task's number of classes; 0 where a
    metric has no chance): a kappa of 0.5 is further from a guess than an AUC of 0.5. A score that too few folds have is
    replaced by their count, '1 of 5', without a colour; 'empty 3 of 5' counts folds whose Cox model kept no
    coefficient.
    """
    scores = main_scores(read_metrics(metrics), "frozen", models)
    wide = by_task(scores, models)
    family = scores.drop_duplicates("task").set_index("task").family
    numbers = wide.reset_index()
    numbers.insert(0, "family", numbers.task.map(family))
    write_tsv(table, numbers)
    if wide.empty:
        save(say_nothing("no task has a score"), figure, note)
        return
    size = (4.4 + 0.62 * wide.shape[1], 1.6 + 0.24 * len(wide))
    drawn, axes = plt.subplots(figsize=size, layout="constrained")
    values = wide.to_numpy()
    first = scores.drop_duplicates("task").set_index("task").reindex(wide.index)
    chance = first.chance.fillna(0).to_numpy()[:, None]
    shades = (values - chance) / (1 - chance)
    picture = axes.imshow(shades, cmap="cividis", aspect="auto", vmin=0, vmax=1)
    fold_notes = scores.assign(fold_note=notes_of_folds(scores)).set_index(["task", "model"]).fold_note
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value) and (fold_note := fold_notes.get((wide.index[row], wide.columns[column]), "")):
            short = fold_note.replace(" folds", "").replace(f"{EMPTY} in", "empty").replace(f", {OVERLAP}", "")
            axes.text(column, row, short, ha="center", va="center", fontsize=6)
        if np.isfinite(value):
            best = "bold" if value == np.nanmax(values[row]) else "normal"
            dark = "white" if shades[row, column] < 0.5 else "black"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, weight=best, color=dark)
    axes.set_xticks(range(wide.shape[1]), wide.columns, rotation=60, ha="right", rotation_mode="anchor", fontsize=8)
    labels = [f"{task}  ({words_of(metric)})" for task, metric in first.metric.items()]
    axes.set_yticks(range(len(wide)), labels, fontsize=8)
    mark_families(axes, [family[task] for task in wide.index])
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    bar = drawn.colorbar(picture, ax=axes, shrink=min(1, 6 / len(wide)), aspect=18, ticks=[0, 0.5, 1])
    bar.ax.set_yticklabels(["chance or\nbelow", "half way", "1"], fontsize=8)
    save(drawn, figure, note)


def mark_families(axes, families: list[str]) -> None:
    """A white line between families and the name of each at the right."""
    for name in dict.fromkeys(families):
        first, last = families.index(name), len(families) - 1 - families[::-1].index(name)
        if first:
            axes.axhline(first - 0.5, color="white", lw=3)
        label = name.replace("_", " ")
        right = axes.get_xlim()[1] + 0.1
        rotation = 270 if last - first > 1 + len(label) * 0.2 else 0
        axes.text(right, (first + last) / 2, label, va="center", rotation=rotation, fontsize=8)


def plot_small_cohorts(
    *,
    metrics: str,
    tests: str,
    folds: Sequence[str],
    splits: Sequence[str],
    tasks: Sequence[str],
    max_cases: int,
    models: Models,
    reference: str,
    figure: str,
    table: str,
    note: str,
) -> None:
    """Boxes over folds of every model on each task with at most `max_cases` cases and more than one fold.

    splits: k=all.tsv of each of `tasks`. Stars: corrected resampled t test against the reference, from tests.tsv.
    """
    cases = {task: read_tsv(path).case_id.nunique() for task, path in zip(tasks, splits, strict=True)}
    values = fold_values(read_metrics(metrics), folds, "frozen")
    values = values[values.task.map(cases).le(max_cases) & values.model.isin(models)]
    numbers = small_numbers(values, read_tests(tests), cases, models, reference)
    write_tsv(table, numbers)
    if numbers.empty:
        save(say_nothing(f"no task with folds has {max_cases} cases or fewer"), figure, note)
        return
    save(draw_small(numbers, cases, models, reference), figure, note)


def draw_small(numbers: pd.DataFrame, cases: dict[str, int], models: Models, reference: str):
    """A panel per task: a box per model, with stars, or with how many folds have a value where some don't."""
    shown_tasks, colours = list(dict.fromkeys(numbers.task)), colours_of(models)
    names = [model for model in models if model in set(numbers.model)]
    drawn, panels = grid_of_panels(len(shown_tasks), len(names), head=1.05)
    for number, (axes, task) in enumerate(zip(panels, shown_tasks, strict=True)):
        task_numbers = numbers[(numbers.task == task) & (numbers.n > 0)]
        places = [names.index(model) for model in task_numbers.model]
        draw_boxes(axes, task_numbers, places, [colours[model] for model in task_numbers.model])
        for place, row in zip(places, task_numbers.itertuples(), strict=True):
            text = f"{row.n} of {row.n + row.missing} folds" if row.missing else row.stars
            add_stars(axes, text, max([row.high, *map(float, row.outliers.split())]), place)
        axes.set_title(f"{shown(task)}\n{cases[task]} cases", fontsize=9)
        axes.set_xlabel(words_of(numbers[numbers.task == task].metric.iloc[0]), fontsize=8)
        axes.margins(x=0.1)
        name_rows(axes, names, labels=number % min(5, len(panels)) == 0, bold=reference)
    return drawn


def small_numbers(
    values: pd.DataFrame, tests: pd.DataFrame, cases: dict[str, int], models: Models, reference: str
) -> pd.DataFrame:
    """One row per task and model: what its box shows, and the corrected t test against the reference."""
    rows = []
    tests = tests[(tests.group == "frozen") & tests.method.str.startswith("corrected resampled t")]
    for (family, task), task_values in values.groupby(["family", "task"], sort=True):
        if task_values.fold.nunique() < 2:
            continue
        against = beside_reference(tests[tests.task == task], reference)
        for model in [name for name in models if name in set(task_values.model)]:
            model_values = task_values[task_values.model == model]
            p = float(against.p_adjusted.get(model, np.nan))
            row = {
                "family": family,
                "task": task,
                "cases": cases[task],
                "metric": model_values.metric.iloc[0],
                "model": model,
            }
            rows.append(row | box_numbers(model_values.value) | {"p_adjusted": p, "stars": stars(p)})
    columns = ["family", "task", "cases", "metric", "model", "n", "missing", "mean", "low", "q1", "median", "q3"]
    return pd.DataFrame(rows, columns=[*columns, "high", "outliers", "p_adjusted", "stars"])
