"""Tissue sites of the pretraining slides by cohort, next to the paper's (its Figure 1a and Extended Data Table 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from .formats import write_readable

#: Label for slides without an organ in the sheet.
NOT_GIVEN = "not given"
#: The paper's cohorts, columns of its table.
SOURCES = ["BWH", "GTEX", "MGH", "TCGA"]
COLUMNS = ["runs", "cohort", "site", "slides", "cases", "share", "published", "difference"]


def count_sites(
    *, runs: Mapping[str, float], slides: Sequence[str], published: str, note: str, outputs: Mapping[str, str]
) -> pd.DataFrame:
    """Write table (TSV), markdown and latex: slides and cases by data set, cohort and tissue site; return the table.

    runs: the part of the data that each run takes; slides: what list_run_slides wrote, by run. Runs that train on the
    same slides are one data set. published: the paper's counts of cohorts (resources/tasks/pretraining_sites.tsv);
    they are compared with no part of one.
    """
    paper = read_tsv(published)
    chosen = dict(zip(runs, map(read_tsv, slides), strict=True))
    parts = [
        count(", ".join(names), run_slides, paper if runs[names[0]] == 1 else paper.drop(columns=SOURCES))
        for names, run_slides in same_slides(chosen)
    ]
    table = pd.concat(parts, ignore_index=True)
    write_tsv(outputs["table"], table)
    readable = {
        f"Tissue sites of the pretraining slides of {names}": side_by_side(part)
        for names, part in table.groupby("runs", sort=False)
    }
    write_readable(readable, outputs["markdown"], outputs["latex"], note)
    return table


def same_slides(chosen: Mapping[str, pd.DataFrame]) -> list[tuple[list[str], pd.DataFrame]]:
    """Names of the runs that train on the same slides, with those slides."""
    names: dict[tuple[str, ...], list[str]] = {}
    for name, table in chosen.items():
        names.setdefault(tuple(sorted(table.slide_id)), []).append(name)
    return [(runs, chosen[runs[0]]) for runs in names.values()]


def count(runs: str, slides: pd.DataFrame, paper: pd.DataFrame) -> pd.DataFrame:
    """A row per cohort and site, and those of cohorts that only the paper has; the larger sites first.

    share: of the cohort's slides. published, difference: empty where the paper has no such cohort or site.
    """
    names = paper_names(paper)
    sites_given = slides.organ.replace("", NOT_GIVEN)
    cohorts = slides.cohort.str.upper()
    sites = [names.get((cohort, site.lower()), site) for cohort, site in zip(cohorts, sites_given, strict=True)]
    groups = slides.assign(site=sites).groupby(["cohort", "site"], sort=False)
    counted = groups.agg(slides=("slide_id", "nunique"), cases=("case_id", "nunique")).reset_index()
    published_counts = [
        pd.DataFrame({"cohort": cohort, "site": paper.site, "published": paper[cohort.upper()].astype(int)})
        for cohort in dict.fromkeys(slides.cohort)
        if cohort.upper() in paper
    ]
    if published_counts:
        joined = counted.merge(pd.concat(published_counts), on=["cohort", "site"], how="outer")
        counted = joined[joined.slides.notna() | (joined.published > 0)]
    counted = counted.reindex(columns=COLUMNS).assign(runs=runs).fillna({"slides": 0, "cases": 0})
    counted["share"] = counted.slides / counted.groupby("cohort").slides.transform("sum")
    counted["difference"] = counted.slides - counted.published
    totals = counted.groupby("site").slides.transform("sum")
    order = counted.assign(total=totals).sort_values(["total", "site", "cohort"], ascending=[False, True, True])
    return order[COLUMNS].astype({"slides": int, "cases": int, "published": float}).reset_index(drop=True)


def paper_names(paper: pd.DataFrame) -> dict[tuple[str, str], str]:
    """The paper's site by cohort (upper case) and the name (lower case) that sheets have for it."""
    general: dict[tuple[str, str], str] = {}
    special: dict[tuple[str, str], str] = {}
    for site, names in zip(paper.site, paper.names, strict=True):
        for name in [site.lower(), *filter(None, names.split(";"))]:
            cohort, _, site_name = name.rpartition(":")
            (special if cohort else general).update(
                {(source, site_name): site for source in ([cohort] if cohort else SOURCES)}
            )
    return general | special


def side_by_side(table: pd.DataFrame) -> pd.DataFrame:
    """A row per site, a column per cohort, 'measured (published)' in each cell; totals in the last column and row."""
    wide = table.pivot(index="site", columns="cohort", values=["slides", "published"]).reindex(table.site.unique())
    cohorts = list(dict.fromkeys(table.cohort))
    rows = []
    for site in [*wide.index, "all"]:
        counts = wide.loc[site] if site != "all" else wide.sum(min_count=1)
        row = {"site": site} | {
            name: show_counts(counts["slides"][name], counts["published"][name]) for name in cohorts
        }
        rows.append(row | {"all": show_counts(counts["slides"].sum(), np.nan)})
    return pd.DataFrame(rows)


def show_counts(slides: float, published: float) -> str:
    """'1,264 (1,251)'; an empty cell where neither is known."""
    published_text = "" if pd.isna(published) else f" ({published:,.0f})"
    return f"{0 if pd.isna(slides) else slides:,.0f}{published_text}" if published_text or not pd.isna(slides) else ""
