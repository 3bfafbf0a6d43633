"""The tables of the report: all metrics, models side by side, seeds side by side."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from .formats import as_markdown, show
from .pages import Section, write_page
from .scores import ENOUGH, NUMBERS, Models, counted, kind_of, notes_of_folds, read_metrics, seed_of, shared_means

#: Message if no summary has a row.
NOTHING = "No probe has a score; the logs of the probes say why."
log = logging.getLogger(__name__)


def collect_metrics(*, summaries: Sequence[str], families: Mapping[str, str], output: str) -> None:
    """tables/metrics.tsv: every summary with the task's family (`primary` = 1: the metric the task names first).

    families: by task, or by <group>/<task> where a group has its own. Where no summary has a row, the table has none.
    """
    parts = [read_tsv(path) for path in summaries]
    filled = [part for part in parts if len(part)]
    if filled:
        table = pd.concat(filled, ignore_index=True)
    else:
        log.warning("%s has no row. %s", output, NOTHING)
        columns = dict.fromkeys([*parts[0], "protocol", "shots", "metric", "note", "primary", *NUMBERS])
        table = parts[0].reindex(columns=list(columns))
    keys = zip(table.group, table.task, strict=True)
    table.insert(1, "family", [families.get(f"{group}/{task}") or families[task] for group, task in keys])
    write_tsv(output, table)


def compare_models(*, metrics: str, models: Models, note: str, comparison: str, seeds: str, page: str) -> None:
    """Write comparison.tsv (task x model), seeds.tsv (kinds of model by seed) and an HTML page of both."""
    table = read_metrics(metrics)
    primary = table[table.primary == 1]
    side_by_side = compare(primary, models)
    by_seed = compare_seeds(primary, models)
    write_tsv(comparison, side_by_side)
    write_tsv(seeds, by_seed)
    show_comparison(side_by_side, by_seed, notes_of(primary), note, page)


def compare(primary: pd.DataFrame, models: Models) -> pd.DataFrame:
    """One row per task and protocol, 'mean (lower to upper)' per model; then the means over each family."""
    rows = []
    for (protocol, shots, family, task, metric), group in primary.groupby(
        ["protocol", "shots", "family", "task", "metric"], sort=False
    ):
        row = {"protocol": protocol, "shots": shots or "", "family": family, "task": task, "metric": metric}
        for model in models:
            model_scores = group[group.model == model]
            ends = model_scores[["mean", "lower", "upper"]].assign(fold_note=notes_of_folds(model_scores))
            row[model] = show(*ends.iloc[0]) if len(model_scores) else ""
        rows.append(row)
    columns = ["protocol", "shots", "family", "task", "metric", *models]
    return pd.DataFrame(rows + family_means(primary, models), columns=columns)


def family_means(primary: pd.DataFrame, models: Models) -> list[dict[str, Any]]:
    """One row per protocol and family: means over the tasks on which every model has a score, and their number."""
    rows = []
    for (protocol, shots, family), group in primary.groupby(["protocol", "shots", "family"], sort=False):
        means, tasks = shared_means(
            group.assign(mean=counted(group)).pivot_table(
                index=["group", "task"], columns="model", values="mean", dropna=False
            )
        )
        description = f"mean of the family, {tasks} of {group.task.nunique()} tasks"
        row = {"protocol": protocol, "shots": shots or "", "family": family, "task": description, "metric": "mixed"}
        shown = {model: f"{means[model]:.3f}" if np.isfinite(means.get(model, np.nan)) else "" for model in models}
        rows.append(row | shown)
    return rows


def compare_seeds(primary: pd.DataFrame, models: Models) -> pd.DataFrame:
    """Mean for each kind of model and seed over those tasks of a family on which every model has a score."""
    table = primary.assign(mean=counted(primary)).dropna(subset="mean")
    groups = ["protocol", "shots", "family"]
    n_models = table.groupby(groups).model.transform("nunique")
    table = table[table.groupby([*groups, "group", "task"]).model.transform("nunique") == n_models]
    table["kind"] = [kind_of(model, models) for model in table.model]
    table["seed"] = [seed_of(model, models) for model in table.model]
    means = table.groupby([*groups, "kind", "seed"], sort=True)
    means = means.agg(mean=("mean", "mean"), tasks=("task", "nunique")).reset_index()
    return means


def notes_of(primary: pd.DataFrame) -> pd.DataFrame:
    """Scores with a note: fits that failed or stopped, controls off chance, networks that learned nothing."""
    noted = primary[primary.note.fillna("") != ""] if "note" in primary else primary.iloc[:0].assign(note="")
    return noted[["task", "group", "protocol", "shots", "model", "note"]]


def show_comparison(
    side_by_side: pd.DataFrame, by_seed: pd.DataFrame, notes: pd.DataFrame, note: str, page: str
) -> None:
    """The page of all three tables."""
    sentences = (
        "Mean over folds of each task's first metric, with 95 % intervals; where the probe failed on some folds it "
        f"says how many have a value, and below {ENOUGH:.0%} of them a score is in no mean; neither is one of survival "
        "whose Cox models kept no coefficient, because it says nothing about the embeddings. Means of a family are "
        "over those tasks on which every model has such a score. Few-shot rows give the "
        "training samples per class. Controls: permuted rows have shuffled labels and score about chance; site_only "
        "and patch_count_only rows use only the site, or the number of patches."
    )
    if side_by_side.empty:
        sentences = NOTHING
    seeds = Section("By kind of model and seed, mean over the tasks of a family", table=by_seed.round({"mean": 3}))
    notes_section = Section(
        "Notes: controls off chance, fits that failed or stopped, networks that learned nothing", table=notes
    )
    sections = [Section(sentences=sentences, table=side_by_side), seeds, *([notes_section] if len(notes) else [])]
    write_page(page, "Models side by side", note, sections)


if __name__ == "__main__":  # python -m molpath.tables.metrics comparison.tsv [protocol ...]
    import sys

    chosen = read_tsv(sys.argv[1])
    chosen = chosen[chosen.protocol.isin(sys.argv[2:] or chosen.protocol.unique())]
    print(as_markdown(chosen.loc[:, (chosen != "").any()].drop(columns="metric")))
