"""The used tasks next to the paper's (its Extended Data Tables 2 to 7 and 52 to 59)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_tsv
from ..probe.tasks import Task, read_task
from .formats import write_readable

COLUMNS = (
    ["family", "task", "organ", "unit", "cases", "slides", "classes", "range", "events", "censored", "median_days"]
    + [
        "metric",
        "split",
        "folds",
        "paper_cases",
        "paper_slides",
        "paper_classes",
        "paper_metric",
        "paper_split",
        "paper_folds",
    ]
    + ["cases_difference", "slides_difference"]
)
#: Classes named in the table of tasks; those of tasks with more are in the table of classes alone.
NAMED = 8
LABELS = ["family", "task", "class", "samples", "share", "paper_samples", "difference", "source"]


def describe_tasks(
    *,
    tasks: Mapping[str, Sequence[str]],
    families: Mapping[str, str],
    published: str,
    classes: str,
    note: str,
    outputs: Mapping[str, str],
) -> None:
    """Write table and labels (TSV), and each as Markdown and LaTeX: tasks by family, classes by task.

    tasks: config.yaml and k=all.tsv (with folds) of each used task; families: the config's, taken where the paper has
    no such task (else the paper's kind); published, classes: resources/tasks/tasks.tsv and classes.tsv.
    """
    paper = read_tsv(published).set_index("task")
    class_table = read_tsv(classes)
    described = [read_task(name, config, table) for name, (config, table) in tasks.items()]
    kinds = {task.name: paper.kind.get(task.name, families[task.name]) for task in described}
    rows = [{"family": kinds[task.name]} | beside_paper(describe(task), paper) for task in described]
    table = pd.DataFrame(rows, columns=COLUMNS)
    labels = [row | {"family": kinds[task.name]} for task in described for row in count_classes(task, class_table)]
    labels = pd.DataFrame(labels, columns=LABELS)
    write_tsv(outputs["table"], table)
    write_tsv(outputs["labels"], labels)
    by_family = {title_of(part): show_tasks(part) for _, part in table.groupby("family", sort=False)}
    write_readable(by_family, outputs["markdown"], outputs["latex"], note)
    by_task = {f"Classes of {name}": show_classes(part) for name, part in labels.groupby("task", sort=False)}
    write_readable(by_task, outputs["labels_markdown"], outputs["labels_latex"], note)


def describe(task: Task) -> dict[str, Any]:
    """Counts of a task's labelled samples; censored is the share without an event, over samples."""
    slides = set(chain(*task.slides.values()))
    row = {"task": task.name, "unit": task.unit, "cases": len(set(task.cases.values())), "slides": len(slides) or None}
    row |= {"metric": task.primary, "split": split_of(task.folds), "folds": task.folds.shape[1]}
    if task.is_survival:
        times, happened = task.survival
        events = int(happened.sum())
        row |= {"events": events, "censored": 1 - events / len(happened) if len(happened) else None}
        return row | {"median_days": float(np.median(times)) if len(times) else None}
    if task.is_regression:
        return row | {"range": f"{task.values.min():g} to {task.values.max():g}"}
    counts = np.bincount(task.labels, minlength=len(task.classes))
    return row | {"classes": "; ".join(f"{name} {n}" for name, n in zip(task.classes, counts, strict=True))}


def split_of(folds: np.ndarray) -> str:
    """Kind of split by the sides (object N x K): one fold, each sample tested once, or or sides drawn for each fold."""
    tested = (folds == "test").sum(1)
    if folds.shape[1] == 1:
        return "official"
    return "cross_validation" if (tested == 1).all() else "monte_carlo"


def beside_paper(row: dict[str, Any], paper: pd.DataFrame) -> dict[str, Any]:
    """The row with what the paper says about its task, and differences of counts; as it is where it has no such
    task."""
    if row["task"] not in paper.index:
        return row
    paper_row = paper.loc[row["task"]]
    row = row | {"organ": paper_row.organ} | {f"paper_{name}": paper_row[name] for name in ("metric", "split", "folds")}
    row |= {f"paper_{name}": paper_row[f"n_{name}"] for name in ("cases", "slides", "classes")}
    for name in ("cases", "slides"):
        if paper_row[f"n_{name}"] and row[name] is not None:
            row[f"{name}_difference"] = row[name] - int(paper_row[f"n_{name}"])
    return row


def count_classes(task: Task, class_table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row per class, with the paper's count where it has a class of that name; then classes that only the paper has.

    Tasks of survival or regression have none.
    """
    if task.is_survival or task.is_regression:
        return []
    paper_classes = class_table[class_table.task == task.name]
    paper_classes = dict(zip(paper_classes["class"].str.lower(), paper_classes.to_dict("records"), strict=True))
    counts = np.bincount(task.labels, minlength=len(task.classes))
    rows = []
    for name, samples in zip(task.classes, counts.tolist(), strict=True):
        row = {"task": task.name, "class": name, "samples": samples, "share": samples / max(1, counts.sum())}
        paper_class = paper_classes.pop(name.lower(), None)
        if paper_class and paper_class["n"]:
            row |= {"paper_samples": int(paper_class["n"]), "difference": samples - int(paper_class["n"])}
        rows.append(row | ({"source": paper_class["source"]} if paper_class else {}))
    further = [
        {
            "task": task.name,
            "class": paper_class["class"],
            "paper_samples": int(paper_class["n"] or 0) or None,
            "source": paper_class["source"],
        }
        for paper_class in paper_classes.values()
    ]
    return rows + further


def title_of(table: pd.DataFrame) -> str:
    """Title of the tasks of a family."""
    return f"Tasks, {table.family.iloc[0]}{'; in brackets: the paper' if table.paper_metric.notna().any() else ''}"


def show_tasks(table: pd.DataFrame) -> pd.DataFrame:
    """The tasks of a family for readers: counts and settings with the paper's in brackets, no empty column."""
    rows = []
    for row_values in table.astype(object).where(table.notna(), "").to_dict("records"):
        split = (f"{row_values['split']}, {row_values['folds']}").replace("_", " ")
        paper_split = (
            (f"{row_values['paper_split']}, {row_values['paper_folds']}").replace("_", " ")
            if row_values["paper_split"]
            else ""
        )
        row = {
            "task": row_values["task"],
            "organ": row_values["organ"],
            "cases": both(row_values["cases"], row_values["paper_cases"]),
        }
        row |= {
            "slides": both(row_values["slides"], row_values["paper_slides"]),
            "classes": shares(row_values["classes"]),
        }
        row |= {"range": row_values["range"]}
        row |= {
            "events": thousands(row_values["events"]),
            "censored": percent(row_values["censored"]),
            "median days": thousands(row_values["median_days"]),
        }
        row |= {
            "metric": both(row_values["metric"], row_values["paper_metric"]),
            "split, folds": both(split, paper_split),
        }
        rows.append(row)
    shown = pd.DataFrame(rows)
    return shown.loc[:, (shown != "").any()]


def show_classes(table: pd.DataFrame) -> pd.DataFrame:
    """The classes of a task for readers."""
    rows = table.astype(object).where(table.notna(), "").to_dict("records")
    return pd.DataFrame(
        {
            "class": row["class"],
            "samples": thousands(row["samples"]),
            "share": percent(row["share"]),
            "paper": thousands(row["paper_samples"]),
            "difference": f"{row['difference']:+,.0f}" if row["difference"] != "" else "",
        }
        for row in rows
    )


def both(measured: Any, published: Any) -> str:
    """'103 (108)': measured and the paper's; one of them where they are equal or the other is not known."""
    measured, published = (
        f"{int(v):,}" if str(v).replace(".0", "").isdigit() else str(v) for v in (measured, published)
    )
    if not published or measured == published:
        return measured + (" (same)" if published else "")
    return f"{measured or '?'} ({published})"


def shares(classes: str) -> str:
    """'low 12 (40 %); high 18 (60 %)' of 'low 12; high 18'; of many classes their number and the range of shares."""
    counts = [part.rpartition(" ") for part in filter(None, classes.split("; "))]
    total = max(1, sum(int(n) for *_, n in counts))
    if len(counts) > NAMED:
        numbers = [int(n) / total for *_, n in counts]
        return f"{len(counts)} classes ({percent(min(numbers))} to {percent(max(numbers))})"
    return "; ".join(f"{name} {int(n):,} ({percent(int(n) / total)})" for name, _, n in counts)


def percent(share: Any) -> str:
    """'12 %'; '' for ''."""
    return f"{share:.0%}".replace("%", " %") if share != "" else ""


def thousands(number: Any) -> str:
    """'1,264'; '' for ''."""
    return f"{number:,.0f}" if number != "" else ""
