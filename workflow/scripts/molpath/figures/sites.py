"""Tissue sites of the pretraining slides by cohort, drawn next to the paper's (its Figure 1a)."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import wrap

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .style import COLOURS, save


def plot_sites(table: pd.DataFrame, output: str, note: str) -> None:
    """Stacked bars of slides by site and cohort, a panel per data set; black lines: the paper's slides."""
    totals = table.groupby("site").slides.sum().sort_values(ascending=False, kind="stable")
    sites, sets, cohorts = list(totals.index), list(dict.fromkeys(table.runs)), sorted(set(table.cohort))
    colours = {cohort: COLOURS[index % len(COLOURS)] for index, cohort in enumerate(cohorts)}
    size = 2.4 + 3.4 * len(sets), 1.2 + 0.2 * len(sites)
    figure, panels = plt.subplots(1, len(sets), figsize=size, sharey=True, squeeze=False)
    for axes, runs in zip(panels[0], sets, strict=True):
        run_counts = table[table.runs == runs].pivot(index="site", columns="cohort", values=["slides", "published"])
        draw_bars(axes, run_counts.reindex(sites).astype(float), colours)
        axes.set_title("\n".join(wrap(runs, 36)), fontsize=10)
    panels[0][0].set_yticks(range(len(sites)), sites)
    panels[0][0].set_ylim(len(sites) - 0.4, -0.6)
    keys: list[Artist] = [Patch(color=colour, label=cohort) for cohort, colour in colours.items()]
    keys += [Line2D([], [], color="black", lw=1.4, label="the paper")] * bool(table.published.notna().any())
    panels[0][-1].legend(handles=keys, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
    figure.tight_layout()
    save(figure, output, note)


def draw_bars(axes, counts: pd.DataFrame, colours: Mapping[str, str]) -> None:
    """Bars of one data set; counts: one row per site, columns (slides or published, cohort)."""
    starts = np.zeros(len(counts))
    for cohort in [name for name in colours if name in counts["slides"]]:
        width = counts["slides"][cohort].fillna(0).to_numpy()
        axes.barh(range(len(counts)), width, left=starts, height=0.75, color=colours[cohort])
        starts += width
    published = counts["published"].sum(axis=1, min_count=1).to_numpy()
    rows = np.flatnonzero(~np.isnan(published))
    axes.vlines(published[rows], rows - 0.42, rows + 0.42, color="black", lw=1.4)
    axes.set_xlabel("slides")
