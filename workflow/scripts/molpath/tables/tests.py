"""Tests between models: tables/tests.tsv, marginal_means.tsv, survival.tsv, and their page."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..probe.metrics import range_of
from ..probe.permuting import FROZEN, control_of
from ..probe.results import OVERLAP
from .contrasts import DELONG, across_tasks, adjusted, corrected_t, row, within_task
from .delong import compare_folds, difference
from .pages import Section, write_page
from .scores import Models, enough, read_metrics
from .survival import assess_survival
from .type_one import UNKNOWN, measured

COLUMNS = [
    *("scope", "family", "task", "group", "model_a", "model_b", "difference", "se", "statistic", "p", "p_adjusted"),
    *("method", "note"),
]
#: Controls, few-shot draws and sweeps of C are compared with nothing.
LEFT_OUT = r"permuted|fewshot|site_only|patch_count_only|logistic_C="


def assess_models(
    *,
    metrics: str,
    folds: Sequence[str],
    predictions: Sequence[str],
    models: Models,
    note: str,
    outputs: Mapping[str, str],
) -> tuple[pd.DataFrame, dict[tuple[str, str, str], pd.DataFrame]]:
    """Write tests, means, survival (TSV) and page (HTML) to the paths of `outputs`.

    Returns what Kaplan-Meier curves are drawn from: the table of survival, and the samples of every (task, group,
    model).

    metrics: tables/metrics.tsv; folds, predictions: metrics.tsv and predictions.parquet of every job; models: in the
    order of the report.
    """
    summary = read_metrics(metrics)
    scores = fold_scores(summary, folds)
    tables = [table for path in predictions if len(table := pd.read_parquet(path))]
    rows = assess_tasks(scores, models) + assess_aucs(tables, scores, models)
    family_rows, means = assess_families(scores, models)
    tests = pd.DataFrame(rows + family_rows, columns=COLUMNS)
    tests["p_adjusted"] = adjusted(tests)
    survival, samples = assess_survival([parts for table in tables for parts in survival_parts(table, scores)])
    columns = ["scope", "family", "group", "model", "mean", "se", "df", "lower", "upper", "method", "note"]
    means = pd.DataFrame(means, columns=columns)
    for table in (tests, survival):
        table["note"] = with_overlap(table, summary)
    write_tsv(outputs["tests"], tests)
    write_tsv(outputs["means"], means)
    write_tsv(outputs["survival"], survival)
    show_tests(tests, means, survival, note, outputs["page"])
    return survival, samples


def with_overlap(table: pd.DataFrame, summary: pd.DataFrame) -> pd.Series:
    """Notes of a table's rows, which say where cases of their task and group are on both sides of a fold."""
    notes = summary.get("note", pd.Series("", summary.index)).fillna("").astype(str)
    noted = summary[notes.str.contains(OVERLAP, regex=False)]
    overlapping = set(zip(noted.task, noted.group, strict=True))
    rows = zip(table.task, [group.partition(":")[0] for group in table.group], table.note.fillna(""), strict=True)
    return pd.Series(
        ["; ".join(filter(None, (note, OVERLAP * ((task, group) in overlapping)))) for task, group, note in rows],
        table.index,
        dtype=object,
    )


def fold_scores(summary: pd.DataFrame, paths: Sequence[str]) -> pd.DataFrame:
    """Value of each task's first metric in every fold: columns family, task, group, model, fold, value, share, lowest.

    group: the job's group; with the protocol after a colon where a group has protocols that differ within a task.
    share: test samples over training samples; lowest: what the metric can fall to. A score over too few of its folds
    (scores.ENOUGH) is left out.
    """
    key = ["task", "model", "group", "protocol", "metric"]
    first = summary[(summary.primary == 1) & ~summary.protocol.str.contains(LEFT_OUT) & enough(summary)]
    parts = [part for path in paths if len(part := read_tsv(path))]
    if not parts:
        return pd.DataFrame(columns=["family", "task", "group", "model", "fold", "value", "share", "lowest"])
    table = pd.concat(parts, ignore_index=True).merge(first[[*key, "family"]].drop_duplicates(), on=key)
    for name in ("value", "n_train", "n_test", "fold"):
        table[name] = pd.to_numeric(table[name], errors="coerce")
    table["group"] = named_groups(table)
    table["share"] = table.n_test / table.n_train.replace(0, np.nan)
    table["lowest"] = [range_of(metric)[0] for metric in table.metric]
    aggregations = {"value": "mean", "share": "mean", "lowest": "min"}
    return table.groupby(["family", "task", "group", "model", "fold"], as_index=False).agg(aggregations)


def named_groups(table: pd.DataFrame) -> pd.Series:
    """The group of each row, with the protocol after a colon unless it is the group's usual one."""
    plain = table.protocol.isin(FROZEN) | (table.protocol == table.group)
    return table.group.where(plain, table.group + ":" + table.protocol)


def by_model(table: pd.DataFrame, index: str, models: Models) -> pd.DataFrame:
    """Rows of `index` (fold or task), one column per model in the order of the report."""
    wide = table.pivot_table(index=index, columns="model", values="value", aggfunc="mean", dropna=False)
    return wide[[model for model in models if model in wide]]


def assess_tasks(scores: pd.DataFrame, models: Models) -> list[dict]:
    """Corrected t tests, and the paper's analysis of variance with Tukey's contrasts, of every task with folds."""
    rows = []
    for (group, family, task), task_scores in scores.groupby(["group", "family", "task"], sort=True):
        wide = by_model(task_scores, "fold", models)
        contrasts = []
        if wide.shape[1] > 1 and len(wide) > 1 and np.isfinite(task_scores.share).any():
            contrasts = corrected_t(wide, float(task_scores.share.median()))
        contrasts += within_task(wide)
        head = {"scope": "task", "family": family, "task": task, "group": group}
        rows += [head | contrast for contrast in contrasts]
    return rows


def assess_families(scores: pd.DataFrame, models: Models) -> tuple[list[dict], list[dict]]:
    """Mixed-effects models over all tasks of a group, and over those of each family."""
    rows, means = [], []
    for group, group_scores in scores.groupby("group", sort=True):
        parts = [("all", "", group_scores)]
        if group_scores.family.nunique() > 1:
            parts += [("family", family, part) for family, part in group_scores.groupby("family", sort=True)]
        for scope, family, part in parts:
            contrasts, marginal = across_tasks(by_model(part, "task", models), float(part.lowest.min()))
            rows += [
                {"scope": scope, "family": family, "task": "", "group": group} | contrast for contrast in contrasts
            ]
            means += [{"scope": scope, "family": family, "group": group} | contrast for contrast in marginal]
    return rows, means


def assess_aucs(tables: Sequence[pd.DataFrame], scores: pd.DataFrame, models: Models) -> list[dict]:
    """DeLong's test for every pair of models on binary tasks, of those that have enough folds."""
    families = dict(zip(scores.task, scores.family, strict=True))
    scored = set(zip(scores.task, scores.group, scores.model, strict=True))
    binary: dict[tuple[str, str], dict[str, pd.DataFrame]] = {}
    for table in tables:
        if "prob_1" not in table or "prob_2" in table:
            continue
        table = table[~table.protocol.str.contains(LEFT_OUT)]
        for group, group_rows in table.assign(group=named_groups(table)).groupby("group"):
            task, model = group_rows.task.iloc[0], group_rows.model.iloc[0]
            if (task, group, model) in scored:
                binary.setdefault((task, group), {})[model] = group_rows
    rows = []
    for (task, group), by_name in sorted(binary.items()):
        head = {"scope": "task", "family": families.get(task, ""), "task": task, "group": group}
        rows += [head | pair for pair in delong_pairs(by_name, models)]
    return rows


def delong_pairs(by_name: Mapping[str, pd.DataFrame], models: Models) -> list[dict]:
    """Rows of all pairs of models of one task, on the samples that all of them have."""
    names = [model for model in models if model in by_name]
    if len(names) < 2:
        return [row(DELONG, note="not tested: one model")]
    key = ["fold", "sample_id"]
    wide = by_name[names[0]].set_index(key)[["label"]]
    wide["case"] = cases_of(by_name[names[0]])
    for name in names:
        wide = wide.join(by_name[name].set_index(key).prob_1.rename(f"score {name}"), how="inner")
    folds = [
        (part.label.to_numpy() == 1, part.iloc[:, 2:].to_numpy().T, part.case.to_numpy())
        for _, part in wide.groupby(level=0)
    ]
    usable = [fold for fold in folds if min(len(set(fold[2][side])) for side in (fold[0], ~fold[0])) >= 2]
    if not usable:
        return [row(DELONG, note="not tested: no fold has test cases of each class, two at least")]
    note = f"{len(folds) - len(usable)} folds left out (fewer than two cases of a class)" * (len(usable) < len(folds))
    auc, covariance, cases = compare_folds(usable)
    rows = []
    for a, b in itertools.combinations(range(len(names)), 2):
        gap, se, t, p = difference(auc, covariance, cases, a, b)
        too_few = f"not tested: {cases} cases leave no degree of freedom" if cases < 3 else ""
        reason = "" if np.isfinite(p) else too_few or "not tested: the AUCs differ by no chance"
        reason = "; ".join(filter(None, [note, reason]))
        rows.append(row(DELONG, names[a], names[b], reason, difference=gap, se=se, statistic=t, p=p))
    return rows


def cases_of(predictions: pd.DataFrame) -> list[str]:
    """Case of each prediction; where a job has none, the sample is the case."""
    return list(predictions["case_id" if "case_id" in predictions else "sample_id"].astype(str))


def survival_parts(table: pd.DataFrame, scores: pd.DataFrame) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Survival predictions of one job, by protocol, each with those of its permutations; of those with enough folds.

    The protocol follows a colon where it is no Cox probe.
    """
    if "risk" not in table:
        return []
    scored = set(zip(scores.task, scores.group, scores.model, strict=True))
    task_rows = table[~table.protocol.str.contains(LEFT_OUT)]
    parts = []
    for group, group_rows in task_rows.assign(group=named_groups(task_rows)).groupby("group", sort=True):
        if (group_rows.task.iloc[0], group, group_rows.model.iloc[0]) in scored:
            parts.append((group_rows, table[table.protocol == control_of(group_rows.protocol.iloc[0])]))
    return parts


METHODS = f"""<p>Every task's first metric, of scores that enough folds have. <b>Within a task</b>, first the corrected
resampled t test (Nadeau and Bengio), which allows for training samples that folds share. Then the paper's test: two-way
analysis of variance (model + fold) over the shared folds and, where P &lt; 0.05, Tukey's HSD over all pairs of models;
<b>its P are too small</b>. DeLong's test for binary tasks, slides by case (Obuchowski), takes the probes as they were
fitted; asked whether models differ, <b>its P are too small, too</b>. p_adjusted: Holm over all pairs and tasks of a
group; Tukey's times the tasks tested. <b>Over tasks</b>: mixed-effects model of the tasks' means (model fixed, task
random, REML), marginal means and Tukey-adjusted contrasts, with observations - tasks - models + 1 degrees of freedom;
tasks of different metrics are averaged as they are; P of families times how many there are. <b>Risk groups</b>: P by
permutations of times over cases, each probed again, one-sided; never below 1 over the permutations + 1, which the note
says where no P can be below 5 % after Holm.</p>
<p>The next table has how often each test finds a difference at 5 % where there is none, {UNKNOWN} where unmeasured.
It holds for such simulations: other numbers of cases, folds and slides, and features that are no normal draws,
can differ. <b>The 95 % interval of a score is no test of chance</b>: it resamples cases of the test sides and keeps
the probes of all folds as they were fitted, so it says how well these probes do on other patients, not what probes
fitted on other training samples would do. Of pure noise it leaves chance out in about one run of six; the note that the
site alone predicts the label goes by such an interval. Whether a score is chance, p_permuted tests.</p>"""


def show_tests(tests: pd.DataFrame, means: pd.DataFrame, survival: pd.DataFrame, note: str, page: str) -> None:
    """The page of all three tables."""
    over_tasks, within = tests[tests.scope != "task"], tests[tests.scope == "task"]
    sections = [
        Section(sentences=METHODS),
        Section("Differences found at 5 % where there is none", table=measured()),
        Section("Over tasks", table=over_tasks.drop(columns="task")),
        Section("Marginal means", table=means),
        Section("Within tasks", table=within.drop(columns="scope")),
        Section("Risk groups (log-rank)", table=survival),
    ]
    write_page(page, "Tests between models", note, sections)
