"""Panels whose rows are models: a point and an interval, or a box, each. A kind has one colour everywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb

from ..probe.metrics import range_of
from ..tables.formats import words_of
from ..tables.scores import Models, kind_of
from .style import COLOURS

#: Okabe and Ito's, some of Tol's muted scheme, and finally yellow, which is faint on white.
MANY = [*COLOURS[:-1], "#332288", "#882255", "#44AA99", "#999933", COLOURS[-1]]
#: No difference of scores from 0 to 1 is beyond these: an interval that does says only that there are few tasks.
ENDS = (-1.0, 1.0)
ROW, WIDTH = 0.24, 2.3  # inches


def colours_of(models: Models) -> dict[str, str]:
    """A colour per model; seeds of one kind share theirs. `models`: all that are compared, whatever is drawn."""
    kinds = list(dict.fromkeys(kind_of(model, models) for model in models))
    return {model: MANY[kinds.index(kind_of(model, models)) % len(MANY)] for model in models}


def shown(task: str) -> str:
    """A task's id with a break before its own name, for titles."""
    return task.replace("--", "\n", 1).replace("==", " to ", 1)


def grid_of_panels(count: int, rows: int, columns: int = 5, head: float = 0.75):
    """Figure and its panels in reading order, each with room for `rows` rows and `head` inches of title and axis."""
    columns = max(1, min(columns, count))
    lines = max(1, -(-count // columns))
    size = WIDTH * columns + 1.2, (ROW * rows + head) * lines
    figure, panels = plt.subplots(lines, columns, figsize=size, squeeze=False, layout="constrained")
    for axes in list(panels.flat)[count:]:
        axes.set_visible(False)
    return figure, list(panels.flat)[:count]


def name_rows(axes, names: Sequence[str], *, labels: bool, bold: str = "", block: int = 0) -> None:
    """One row per name from the top; block: rows above a line that separates two kinds of training."""
    axes.set_yticks(range(len(names)), names if labels else [""] * len(names))
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set_fontweight("bold" if name == bold else "normal")
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(labelsize=8)
    axes.grid(axis="x", color="#eeeeee", lw=0.8)
    axes.set_axisbelow(True)
    if 0 < block < len(names):
        axes.axhline(block - 0.5, color="#999999", lw=0.8)


def draw_points(axes, table: pd.DataFrame, names: Sequence[str], colours: Mapping[str, str], line=np.nan) -> None:
    """Point, interval and stars of each row (name, value, lower, upper, stars); line: a value to compare with.

    fold_note: where some folds have no value, how many have one; the point is a ring then. Every value is inside the
    panel; intervals end where scores do (see ends_of).
    """
    ends = ends_of(table)
    positions = [names.index(name) for name in table.name]
    for place, row in zip(positions, table.itertuples(), strict=True):
        colour = colours[row.name]
        axes.hlines(place, *np.clip([row.lower, row.upper], *ends), color=colour, lw=2, alpha=0.6)
        axes.plot(
            row.value,
            place,
            "o",
            ms=5,
            color="white" if row.fold_note else colour,
            mec=colour if row.fold_note else "#333333",
            mew=0.4 + bool(row.fold_note),
        )
        if row.fold_note and np.isfinite(row.value):
            axes.annotate(
                row.fold_note, (row.value, place), (0, 4), textcoords="offset points", fontsize=6, ha="center"
            )
        if row.stars:
            end = np.nanmax([row.value, min(row.upper, ends[1])])
            add_stars(axes, row.stars, end, place)
    if np.isfinite(line):
        axes.axvline(line, color="#666666", lw=0.9, ls=":")
    axes.margins(x=0.12)
    axes.locator_params(axis="x", nbins=5)
    low, high = axes.get_xlim()
    axes.set_xlim(max(low, ends[0] - 0.02), min(high, ends[1] + 0.02))


def ends_of(table: pd.DataFrame) -> tuple[float, float]:
    """Where points and intervals of a panel end: at its metric's range, if there is a column `metric`.

    Else at ENDS, or at values beyond: a mean of R2 has no lower end.
    """
    if "metric" in table and len(table):
        lows, highs = zip(*(range_of(metric) for metric in set(table.metric)), strict=True)
        return min(lows), max(highs)
    values = table.value.dropna()
    return min([ENDS[0], *values]), max([ENDS[1], *values])


def add_stars(axes, text: str, end: float, place: float) -> None:
    """Stars after the end of a row's drawing (an asterisk is above the middle of its line)."""
    axes.annotate(text, (end, place), (4, -2.5), textcoords="offset points", fontsize=8, va="center")


def draw_boxes(axes, table: pd.DataFrame, places: Sequence[float], colours: Sequence[str], width=0.6, rows=True):
    """Boxes (quartiles, whiskers to 1.5 times their distance) of rows with low, q1, median, q3, high and outliers."""
    stats = [
        {"whislo": row.low, "q1": row.q1, "med": row.median, "q3": row.q3, "whishi": row.high}
        | {"fliers": [float(word) for word in str(row.outliers).split()]}
        for row in table.itertuples()
    ]
    direction = "horizontal" if rows else "vertical"
    drawn = axes.bxp(
        stats, positions=list(places), widths=width, orientation=direction, patch_artist=True, manage_ticks=False
    )
    for box, colour in zip(drawn["boxes"], colours, strict=True):
        box.set(facecolor=colour, alpha=0.75, linewidth=0.7)
    for line in (*drawn["whiskers"], *drawn["caps"]):
        line.set(color="#222222", linewidth=0.8)
    for line, colour in zip(drawn["medians"], colours, strict=True):
        line.set(color="#bbbbbb" if np.dot(to_rgb(colour), (0.3, 0.6, 0.1)) < 0.3 else "#222222", linewidth=0.9)
    for points, colour in zip(drawn["fliers"], colours, strict=True):
        points.set(marker="o", markersize=2, markeredgecolor=colour)


def draw_panels(
    parts: Sequence[tuple[str, str, pd.DataFrame]],
    names: Sequence[str],
    colours: Mapping[str, str],
    *,
    columns: int = 5,
    bold: str = "",
    block: int = 0,
    line: float = np.nan,
):
    """A figure with a panel of points (see draw_points) for each title, label of the axis and table."""
    if not parts or not len(names):
        return say_nothing("no task has a score")
    head = 0.75 + 0.16 * max(title.count("\n") for title, *_ in parts)
    figure, panels = grid_of_panels(len(parts), len(names), columns, head)
    for number, (axes, (title, label, table)) in enumerate(zip(panels, parts, strict=True)):
        draw_points(axes, table, names, colours, line)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(words_of(label), fontsize=8)
        name_rows(axes, names, labels=number % min(columns, len(panels)) == 0, bold=bold, block=block)
    return figure


def box_numbers(values: pd.Series) -> dict[str, object]:
    """Numbers of a box plot (missing values apart): n, missing, mean, low, q1, median, q3, high, outliers."""
    from matplotlib.cbook import boxplot_stats

    finite_values = values.dropna()
    count = {"n": len(finite_values), "missing": int(values.isna().sum())}
    if finite_values.empty:
        return count | dict.fromkeys(("mean", "low", "q1", "median", "q3", "high"), np.nan) | {"outliers": ""}
    box = boxplot_stats(finite_values.to_numpy())[0]
    names = {"mean": "mean", "low": "whislo", "q1": "q1", "median": "med", "q3": "q3", "high": "whishi"}
    outliers = " ".join(f"{value:.6g}" for value in sorted(box["fliers"]))
    return count | {name: float(box[key]) for name, key in names.items()} | {"outliers": outliers}


def say_nothing(message: str):
    """A figure that says why there is nothing in it."""
    figure, axes = plt.subplots(figsize=(5, 1))
    axes.axis("off")
    axes.text(0.5, 0.5, message, ha="center", va="center")
    return figure
