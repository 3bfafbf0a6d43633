"""Scores of any size as collect_metrics and the jobs write them, for figures and tables."""

from pathlib import Path

import numpy as np
import pandas as pd
from molpath.common.files import read_tsv, write_tsv
from molpath.tables.scores import read_metrics
from molpath.tables.tests import assess_families, assess_tasks, fold_scores

TESTS = ["scope", "family", "task", "group", "model_a", "model_b", "difference", "se", "statistic", "p", "p_adjusted"]


def made_folds(task: str, model: str, group: str, protocol: str, values, shots=0, repeat=0, metric="auc"):
    """Rows of a job's metrics.tsv: one a fold."""
    head = {"task": task, "model": model, "group": group, "protocol": protocol, "shots": shots, "repeat": repeat}
    return [
        head | {"fold": fold, "metric": metric, "value": value, "n_train": 40, "n_test": 10, "note": ""}
        for fold, value in enumerate(values)
    ]


def summed_up(rows: pd.DataFrame, families: dict[str, str]) -> pd.DataFrame:
    """tables/metrics.tsv of rows of jobs."""
    keys = ["task", "model", "group", "protocol", "shots", "metric"]
    summary = rows.groupby(keys, sort=False).value.agg(["mean", "std", "size"]).reset_index()
    summary["se"] = (summary["std"] / np.sqrt(summary["size"])).fillna(0)
    summary["lower"], summary["upper"] = summary["mean"] - 2 * summary.se, summary["mean"] + 2 * summary.se
    summary.insert(1, "family", summary.task.map(families))
    summary = summary.rename(columns={"size": "n_folds"}).drop(columns="std")
    constant = {
        "interval": "i",
        "n_failed": 0,
        "n_empty": 0,
        "chance": 0.5,
        "p_permuted": 0.05,
        "n_train": 40,
        "n_test": 10,
        "n_samples": 50,
        "n_missing": 0,
    }
    first = (~summary.metric.isin(["mAP@5", "mAP@10"])).astype(int)
    return summary.assign(**constant, n_fits=summary.n_folds, primary=first, note="")


def write_scores(folder: Path, rows: list[dict], families: dict[str, str], models: list[str]) -> dict:
    """Files as rules would make them: metrics, tests, means, and the list of the jobs' folds."""
    table = pd.DataFrame(rows)
    paths = []
    for (task, model, group), part in table.groupby(["task", "model", "group"], sort=False):
        path = folder / model / task / group / "metrics.tsv"
        write_tsv(path, part)
        paths.append(str(path))
    files = {name: str(folder / f"{name}.tsv") for name in ("metrics", "tests", "means")}
    write_tsv(files["metrics"], summed_up(table, families))
    scores = fold_scores(read_metrics(files["metrics"]), paths)
    tests, means = assess_families(scores, models)
    columns = ["scope", "family", "group", "model", "mean", "se", "df", "lower", "upper", "method", "note"]
    write_tsv(files["tests"], pd.DataFrame(assess_tasks(scores, models) + tests, columns=[*TESTS, "method", "note"]))
    write_tsv(files["means"], pd.DataFrame(means, columns=columns))
    return files | {"folds": paths}


def paper_rows(repository: Path) -> tuple[list[dict], dict[str, str], list[str]]:
    """Generated scores of eight models on the 42 public tasks; a model without one task and one without a fold."""
    tasks = read_tsv(repository / "resources/tasks/tasks.tsv")
    tasks = tasks[tasks.access == "public"]
    models = ["threads-s0", "threads-s1", "prism", "gigapath", "chief", "mean-conch_v15", "mean-virchow", "random-s0"]
    rng, rows = np.random.default_rng(0), []
    for number, task in enumerate(tasks.task):
        count = (1, 5, 50)[number % 3]
        for place, model in enumerate(models):
            if (number, place) == (3, 2):
                continue
            level = rng.normal(0.72 - 0.02 * place, 0.08)
            values = np.clip(rng.normal(level, 0.04, count), 0, 1)
            values[0] = np.nan if (number, place) == (4, 3) else values[0]
            rows += made_folds(task, model, "frozen", "logistic", values)
    return rows, dict(zip(tasks.task, tasks.family, strict=True)), models
