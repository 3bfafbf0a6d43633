"""Figures of the slides: what was kept and set aside, and the distribution of every number of quality control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ..common.files import read_tsv
from ..common.ledger import Entry, first_losses, read_ledger
from .style import COLOURS, save

KEPT, ASIDE = COLOURS[2], COLOURS[5]
#: Columns beside the numbers of the stage tissue that say nothing about quality.
NO_QUALITY = {"quality_mpp", "pixels"}


def plot_slides(table: str, ledger: str, output: str, note: str) -> None:
    """How many slides were kept, and set aside by reason; focus over tissue of those that were measured.

    Each slide counts once, at the first stage that set it aside, for any grid, encoder or model (tables/ledger.tsv).
    """
    slides = read_tsv(table)
    losses = first_losses(read_ledger(ledger))
    counts = pd.Series([_fate(loss) for loss in losses.values()]).value_counts()
    figure, (bars, points) = plt.subplots(1, 2, figsize=(10, 3.2), width_ratios=(1, 1.2))
    bars.barh(range(len(counts)), counts.to_numpy(), color=[KEPT if name == "kept" else ASIDE for name in counts.index])
    bars.set_yticks(range(len(counts)), counts.index)
    for place, count in enumerate(counts):
        bars.text(count, place, f" {count}", va="center")
    bars.invert_yaxis()
    bars.set_xlabel("slides")
    measured = slides[slides.focus != ""].astype({"area_mm2": float, "focus": float})
    is_set_aside = measured.slide_id.map(losses).notna()
    for label, slides_shown, colour in (
        ("kept", measured[~is_set_aside], KEPT),
        ("set aside", measured[is_set_aside], ASIDE),
    ):
        points.plot(slides_shown.area_mm2, slides_shown.focus, "o", ms=4, alpha=0.6, color=colour, label=label)
    points.set(xlabel="tissue, mm²", ylabel="sharpness (median over windows)")
    points.legend(frameon=False)
    save(figure, output, note)


def _fate(loss: Entry | None) -> str:
    """Where and why a slide was set aside, in words; the stages slides and tissue need no name."""
    if loss is None:
        return "kept"
    reason = loss.reason.replace("_", " ")
    return reason if loss.stage in ("slides", "tissue") else f"{reason} ({loss.stage})"


def plot_quality(table: str, thresholds: Mapping[str, Any], output: str, note: str) -> None:
    """A histogram of every number of quality control, kept and set aside; dotted: the threshold of the config.

    The threshold of a number is the key `min_<number>` or `max_<number>` of the section tissue/quality.
    """
    slides = read_tsv(table)
    numbers = slides.loc[:, slice("area_mm2", "contours")].apply(pd.to_numeric, errors="coerce")
    names = [name for name in numbers if numbers[name].notna().any() and name not in NO_QUALITY]
    columns = 4
    rows = max(1, -(-len(names) // columns))
    figure, panels = plt.subplots(rows, columns, figsize=(11, 2.3 * rows), squeeze=False)
    is_kept = slides.status == "ok"
    for axes, name in zip(panels.flat, names, strict=False):
        values = numbers[name]
        limits = [thresholds[key] for key in (f"min_{name}", f"max_{name}") if key in thresholds]
        edges = np.histogram_bin_edges([*values.dropna(), *limits], bins=24)
        axes.hist([values[is_kept].dropna(), values[~is_kept].dropna()], edges, stacked=True, color=[KEPT, ASIDE])
        for limit in limits:
            axes.axvline(limit, color="#222", lw=1.2, ls=":")
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.set_title(name.replace("_", " "), fontsize=10)
    for axes in list(panels.flat)[len(names) :]:
        axes.set_visible(False)
    figure.supylabel("slides (green: kept, orange on top: set aside)", fontsize=10)
    figure.tight_layout()
    save(figure, output, note)
