"""The figure of the report's chapter Omics: components by site, markers of sex."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from ..common.files import read_tsv
from .panels import say_nothing
from .style import COLOURS, save

#: Sites beyond these many are drawn as one.
SITES = 7


def plot_omics(profiles: str, output: str, note: str) -> None:
    """One row per cohort: first two components coloured by site; XIST against RPS4Y1 coloured by recorded sex.

    The second column exists if some cohort has both genes.
    """
    table = read_tsv(profiles)
    for name in ("pc1", "pc2", "XIST", "RPS4Y1"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    cohorts = list(dict.fromkeys(table.cohort))
    if not cohorts:
        save(say_nothing("no expression profiles"), output, note)
        return
    has_both_genes = table.XIST.notna() & table.RPS4Y1.notna()
    rows, columns = len(cohorts), 1 + bool(has_both_genes.any())
    figure, panels = plt.subplots(rows, columns, figsize=(5 * columns, 3.4 * rows), squeeze=False, layout="constrained")
    for (components, *sexes), cohort in zip(panels, cohorts, strict=True):
        cohort_profiles = table[table.cohort == cohort]
        draw_groups(
            components, cohort_profiles.pc1, cohort_profiles.pc2, frequent(cohort_profiles.site), "site not known"
        )
        components.set(xlabel="PC 1", ylabel="PC 2", title=f"{cohort}: 500 most variable genes")
        far = cohort_profiles[cohort_profiles.outlier == "True"]
        if len(far):
            components.plot(far.pc1, far.pc2, "o", ms=9, mfc="none", color="#8a1c1c", label="outlier")
        put_legend(components)
        is_measured = has_both_genes[cohort_profiles.index]
        for sex in sexes:
            sex.set_visible(bool(is_measured.any()))
            draw_groups(
                sex,
                cohort_profiles.XIST[is_measured],
                cohort_profiles.RPS4Y1[is_measured],
                cohort_profiles.sex[is_measured],
                "sex not recorded",
            )
            put_legend(sex)
            sex.set(xlabel="XIST (log2)", ylabel="RPS4Y1 (log2)", title=f"{cohort}: recorded sex")
    save(figure, output, note)


def put_legend(axes) -> None:
    """Next to the panel, where it hides no point."""
    axes.legend(fontsize=8, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)


def frequent(sites: pd.Series) -> pd.Series:
    """Sites with the most profiles by name, the rest as 'other sites'."""
    counts = sites[sites != ""].value_counts()
    names = sorted(counts.index, key=lambda name: (-counts[name], name))[:SITES]
    return sites.where(sites.isin(names) | (sites == ""), "other sites")


def draw_groups(axes, x: pd.Series, y: pd.Series, groups: pd.Series, unknown: str) -> None:
    """Points coloured by group; those without one in grey."""
    for index, group in enumerate(sorted(set(groups) - {""})):
        in_group = (groups == group).to_numpy()
        axes.plot(x[in_group], y[in_group], "o", ms=4, alpha=0.7, color=COLOURS[index % len(COLOURS)], label=group)
    ungrouped = (groups == "").to_numpy()
    if np.any(ungrouped):
        axes.plot(x[ungrouped], y[ungrouped], "o", ms=4, alpha=0.5, color="#999999", label=unknown)
