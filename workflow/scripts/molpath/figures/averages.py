"""Means over tasks, by family, with the tests' intervals and stars; tasks won; every task on its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..tables.scores import (
    Models,
    beside_reference,
    by_task,
    kind_of,
    main_scores,
    notes_of_folds,
    read_metrics,
    read_tests,
    stars,
    tasks_won,
)
from .panels import colours_of, draw_panels, draw_points, grid_of_panels, name_rows, say_nothing, shown
from .style import save


def plot_averages(
    *,
    metrics: str,
    tests: str,
    means: str,
    group: str,
    models: Models,
    reference: str,
    supervised: Sequence[str] = (),
    figure: str,
    table: str,
    note: str,
) -> None:
    """Mean score of every model over all tasks of a group and over each family, and how many tasks a kind of it won.

    tests, means: tables/tests.tsv and marginal_means.tsv; reference: the model that stars compare with; supervised:
    those below the line. Writes the figure and the table of its numbers.
    """
    scores = main_scores(read_metrics(metrics), group, models)
    numbers = averages(scores, read_tests(tests), read_tsv(means), group, models, reference)
    write_tsv(table, numbers.drop(columns="name"))
    save(draw_averages(numbers, models, reference, supervised), figure, note)


def averages(
    scores: pd.DataFrame, tests: pd.DataFrame, means: pd.DataFrame, group: str, models: Models, reference: str
) -> pd.DataFrame:
    """One row per family ('all': over all tasks) and model.

    mean: plain mean over the `tasks` that the model has a score on; estimate, lower, upper: marginal mean of the mixed
    model with its 95 % interval; difference, p_adjusted, stars: against the reference; won: tasks, by kind of model.
    """
    rows = []
    families = list(dict.fromkeys(scores.family))
    for family in ["all", *families] if len(families) > 1 else ["all"]:
        wide = by_task(scores if family == "all" else scores[scores.family == family], models)
        scope = {"scope": "all" if family == "all" else "family", "family": "" if family == "all" else family}
        chosen_tests = chosen(tests, scope | {"group": group})
        against = beside_reference(chosen_tests, reference)
        marginal = chosen(means, scope | {"group": group}).set_index("model")
        n_won = tasks_won(wide, models)
        for model in wide:
            row = {"family": family, "model": model, "kind": kind_of(model, models), "of": len(wide)}
            row |= {"tasks": int(wide[model].notna().sum()), "mean": wide[model].mean()}
            for name, column in (("estimate", "mean"), ("lower", "lower"), ("upper", "upper")):
                row[name] = float(marginal[column][model]) if model in marginal.index else np.nan
            for name in ("difference", "p_adjusted"):
                row[name] = float(against[name][model]) if model in against.index else np.nan
            rows.append(row | {"stars": stars(row["p_adjusted"]), "won": int(n_won[row["kind"]]), "name": model})
    columns = ["family", "model", "kind", "of", "tasks", "mean", "estimate", "lower", "upper", "difference"]
    return pd.DataFrame(rows, columns=[*columns, "p_adjusted", "stars", "won", "name"])


def chosen(table: pd.DataFrame, values: dict[str, str]) -> pd.DataFrame:
    """Rows with these values."""
    return table[np.logical_and.reduce([table[name] == value for name, value in values.items()])]


def draw_averages(numbers: pd.DataFrame, models: Models, reference: str, supervised: Sequence[str]):
    """A panel for all tasks, one per family, one for the tasks won."""
    names = [model for model in models if model in set(numbers.model)]
    if not names:
        return say_nothing("no task has a score")
    colours, block = colours_of(models), sum(name not in supervised for name in names)
    families = list(dict.fromkeys(numbers.family))
    figure, panels = grid_of_panels(len(families) + 1, len(names), columns=6)
    for axes, family in zip(panels, families, strict=False):
        family_numbers = numbers[numbers.family == family].assign(
            fold_note="", value=lambda t: t.estimate.fillna(t["mean"])
        )
        line = family_numbers.set_index("model").value.get(reference, np.nan)
        draw_points(axes, family_numbers, names, colours, line)
        count = family_numbers.of.iloc[0]
        axes.set_title(f"{family.replace('_', ' ')}\n{count} task{'s' * int(count != 1)}", fontsize=9)
        axes.set_xlabel("mean score", fontsize=8)
    draw_won(panels[-1], numbers[numbers.family == "all"], names, colours)
    for number, axes in enumerate(panels):
        name_rows(axes, names, labels=number % min(6, len(panels)) == 0, bold=reference, block=block)
    return figure


def draw_won(axes, numbers: pd.DataFrame, names: list[str], colours) -> None:
    """A bar per kind of model, as high as its seeds' rows."""
    for _, kind_numbers in numbers.groupby("kind", sort=False):
        places = [names.index(name) for name in kind_numbers.model]
        middle, height = np.mean(places), max(places) - min(places) + 0.7
        axes.barh(
            middle, kind_numbers.won.iloc[0], height=height, color=colours[kind_numbers.model.iloc[0]], alpha=0.85
        )
        axes.annotate(
            f"{kind_numbers.won.iloc[0]}",
            (kind_numbers.won.iloc[0], middle),
            (3, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_title(f"tasks won\nof {numbers.of.iloc[0]}", fontsize=9)
    axes.set_xlabel("tasks", fontsize=8)
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.xaxis.get_major_locator().set_params(integer=True)


def plot_each_task(
    *, metrics: str, group: str, models: Models, supervised: Sequence[str], figure: str, table: str, note: str
) -> None:
    """A panel per task of a group: score and interval of every model."""
    scores = main_scores(read_metrics(metrics), group, models)
    scores = scores.assign(stars="", fold_note=notes_of_folds(scores))
    write_tsv(
        table,
        scores[
            ["family", "task", "metric", "model", "mean", "lower", "upper", "n_folds", "n_fits", "n_failed", "n_empty"]
        ],
    )
    names = [model for model in models if model in set(scores.model)]
    rows = scores.rename(columns={"mean": "value"}).assign(name=scores.model)
    parts = [(shown(task), task_rows.metric.iloc[0], task_rows) for task, task_rows in rows.groupby("task", sort=False)]
    block = sum(name not in supervised for name in names)
    save(draw_panels(parts, names, colours_of(models), block=block), figure, note)
