"""Published beside measured: the paper's scores (resources/published) and this run's, task by task and on average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..common.files import read_tsv, write_text, write_tsv
from ..probe.permuting import FROZEN
from .formats import as_latex, as_markdown, md, show
from .published_page import FAMILIES, title_of, write_published_page
from .scores import enough, notes_of_folds, read_metrics

#: The paper's name of a protocol; other protocols are not compared.
PROTOCOLS = {
    **dict.fromkeys(FROZEN, "linear_probe"),
    "fewshot": "few_shot",
    "retrieval": "retrieval",
    "kmeans": "clustering",
    "prompt_rna": "prompting",
    "finetune": "fine_tuning",
}
KEYS = ["protocol", "task", "published_model", "shots", "metric"]
COLUMNS = (
    ["protocol", "family", "task", "metric", "shots", "model", "published_model", "published", "published_se"]
    + ["published_lower", "published_upper", "uncertain", "measured", "measured_se", "measured_lower"]
    + ["measured_upper", "n_folds", "n_fits", "n_failed", "n_empty", "note", "difference", "covered"]
    + ["split", "confidence", "table", "place", "source"]
)


def compare_published(
    *,
    metrics: str,
    published: Sequence[str],
    other_scores: str,
    tasks: str,
    names: Mapping[str, str],
    note: str,
    table: str,
    averages: str,
    page: str,
    markdown: str,
    latex: str,
) -> None:
    """Write published.tsv (a row per number), published_averages.tsv, a page of both, and tables as Markdown and LaTeX.

    names: the paper's name of each measured model. other_scores: scores of the same tasks from elsewhere, shown on
    the page by source, protocol and split, and in no average. A number the paper has and this run lacks is no row;
    an average counts what it lacks of the 54 tasks.
    """
    paper, task_table = read_published(published), read_tsv(tasks)
    side_by_side = join(read_metrics(metrics), paper, task_table, names)
    averaged = average(side_by_side, task_table)
    write_tsv(table, side_by_side)
    write_tsv(averages, averaged)
    elsewhere = read_tsv(other_scores)
    write_published_page(
        page, side_by_side, averaged, task_table, note, elsewhere[elsewhere.task.isin(side_by_side.task)]
    )
    tables = {"Averages": as_text(averaged)} | by_family(side_by_side)
    notes = [missing_tasks(side_by_side, task_table)]
    parts = [f"## {md(name)}\n\n{as_markdown(table)}" for name, table in tables.items()]
    write_text(markdown, "\n\n".join([f"# {md(title_of(note))}", *notes, *parts]) + "\n")
    captions = {name: f"{name}: published and measured scores{f' ({note})' if note else ''}" for name in tables}
    write_text(latex, "\n".join(as_latex(captions[name], table) for name, table in tables.items()))


def read_published(paths: Sequence[str]) -> pd.DataFrame:
    """Scores of the paper, those that are known; numbers as numbers, `shots` 0 where there are none."""
    paper = pd.concat([read_tsv(path) for path in paths], ignore_index=True)
    paper = paper[paper.score != ""].rename(columns={"model": "published_model"})
    for name in ("score", "se", "lower", "upper"):
        paper[name] = pd.to_numeric(paper[name])
    paper["shots"] = pd.to_numeric(paper.shots).fillna(0).astype(int)
    return paper


def join(metrics: pd.DataFrame, paper: pd.DataFrame, tasks: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """One row per number that both have: same protocol, task, metric, samples per class, and model by the paper's name.

    covered: whether the 95 % interval of this run's mean holds the published score; empty where there is none.
    """
    measured = metrics[metrics.model.isin(names)].copy()
    measured["published_model"] = measured.model.map(names)
    measured["shots"] = measured.shots.fillna(0).astype(int)
    across = measured.task.str.contains("==") & measured.protocol.isin(FROZEN)
    measured["protocol"] = measured.protocol.map(PROTOCOLS).mask(across, "transfer")
    measured = measured.rename(columns={name: f"measured_{name}" for name in ("se", "lower", "upper")})
    measured = measured.rename(columns={"mean": "measured"}).drop(columns="family")
    published = paper.drop(columns="note", errors="ignore").rename(
        columns={name: f"published_{name}" for name in ("se", "lower", "upper")}
    )
    joined = published.rename(columns={"score": "published"}).merge(measured.dropna(subset="protocol"), on=KEYS)
    joined = joined.merge(tasks[["task", "family"]], on="task", how="left").fillna({"family": "other"})
    joined["difference"] = joined.measured - joined.published
    inside = joined.published.between(joined.measured_lower, joined.measured_upper)
    joined["covered"] = inside.map({True: "yes", False: "no"}).where(joined.measured_lower.notna(), "")
    order = {task: number for number, task in enumerate(tasks.task)}
    joined["order"] = joined.task.map(order).fillna(len(order))
    joined["place"] = joined.model.map({model: place for place, model in enumerate(names)})
    joined = joined.sort_values(["protocol", "order", "task", "metric", "shots", "place"], kind="stable")
    return joined.reindex(columns=COLUMNS).reset_index(drop=True)


def average(side_by_side: pd.DataFrame, tasks: pd.DataFrame) -> pd.DataFrame:
    """Plain means of the linear probe over the tasks that both have: all, those of public cohorts, families; by model.

    of: tasks that the paper's mean is over; lacking: those that this mean is without, also because too few folds have a
    value; in_house: those of them that are not public. Both means are over the same tasks.
    """
    rows = []
    probed = side_by_side[
        (side_by_side.protocol == "linear_probe") & side_by_side.measured.notna() & enough(side_by_side)
    ]
    scopes = {"all": tasks, "public": tasks[tasks.access == "public"]}
    scopes |= {name: tasks[tasks.family == name] for name in FAMILIES}
    for scope, scope_tasks in scopes.items():
        for model, model_scores in probed.groupby("model", sort=False):
            part = model_scores[model_scores.task.isin(scope_tasks.task)]
            missing = scope_tasks[~scope_tasks.task.isin(part.task)]
            row = {"model": model, "published_model": model_scores.published_model.iloc[0], "scope": scope}
            row |= {"tasks": len(part), "of": len(scope_tasks), "lacking": len(missing)}
            row |= {"in_house": int((missing.access == "in_house").sum())}
            row |= {name: part[name].mean() for name in ("published", "measured", "difference")}
            rows.append(row | {"covered": f"{(part.covered == 'yes').sum()} of {(part.covered != '').sum()}"})
    columns = ["model", "published_model", "scope", "tasks", "of", "lacking", "in_house", "published", "measured"]
    return pd.DataFrame(rows, columns=[*columns, "difference", "covered"])


def as_text(averages: pd.DataFrame) -> pd.DataFrame:
    """The averages that are over some task, with words for counts: '3 of 54'."""
    averaged = averages[averages.tasks > 0]
    columns = {
        "model": averaged.model,
        "over": averaged.scope.replace({"all": "all tasks", "public": "public tasks", **FAMILIES}),
    }
    columns["tasks"] = [f"{row.tasks} of {row.of}" for row in averaged.itertuples()]
    columns |= {name: averaged[name].map("{:.3f}".format) for name in ("published", "measured")}
    return pd.DataFrame(
        columns | {"difference": averaged.difference.map("{:+.3f}".format), "covered": averaged.covered}
    )


def by_family(side_by_side: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Linear probes by family: a row per task, and for each model what was published and what was measured."""
    probed = side_by_side[side_by_side.protocol == "linear_probe"]
    parts = {}
    for family, title in (FAMILIES | {"other": "Other tasks"}).items():
        family_scores = probed[probed.family == family]
        rows = []
        for task, group in family_scores.groupby("task", sort=False):
            row = {"task": task, "metric": group.metric.iloc[0]}
            for model in family_scores.model.unique():
                score = group[group.model == model]
                row[f"{model}, published"] = f"{score.published.iloc[0]:.3f}" if len(score) else ""
                row[f"{model}, measured"] = show_measured(score.iloc[0]) if len(score) else ""
            rows.append(row)
        if rows:
            parts[title] = pd.DataFrame(rows)
    return parts


def missing_tasks(side_by_side: pd.DataFrame, tasks: pd.DataFrame) -> str:
    """A sentence: how many of the paper's tasks are compared, and which of the others can't be obtained."""
    probed = set(side_by_side.task[side_by_side.protocol == "linear_probe"])
    in_house = tasks[tasks.access == "in_house"]
    compared, public = tasks.task.isin(probed), tasks.access == "public"
    return (
        f"Linear probes of {compared.sum()} of the paper's {len(tasks)} tasks are compared, "
        f"{(compared & public).sum()} of the {public.sum()} on public cohorts. "
        f"Not obtainable (in-house): {', '.join(in_house.task)}."
    )


def show_measured(row: pd.Series) -> str:
    """'0.712 (0.650 to 0.770)', or the mean alone where it has no interval; how many folds where some failed."""
    return show(row.measured, row.measured_lower, row.measured_upper, *notes_of_folds(row.to_frame().T))
