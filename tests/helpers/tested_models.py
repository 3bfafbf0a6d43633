"""Jobs of probes with scores and predictions, and the tables of tests that are made of them."""

import pandas as pd
from molpath.common.files import read_tsv, write_tsv
from molpath.figures.survival import plot_survival
from molpath.tables.tests import assess_models

MODELS = ["mean", "threads"]


def job(folder, model, task, values, *, protocol="logistic", group="frozen", predictions=None):
    """metrics.tsv and predictions.parquet of a job, as probing writes them; returns their paths."""
    folder = folder / model / task / group
    folder.mkdir(parents=True)
    head = {"task": task, "model": model, "group": group}
    rows = [
        head
        | {"protocol": protocol, "shots": 0, "repeat": 0, "fold": fold, "metric": "auc", "value": value}
        | {"n_train": 80, "n_test": 20, "note": ""}
        for fold, value in enumerate(values)
    ]
    rows.append(rows[0] | {"protocol": "permuted", "value": 0.5})
    write_tsv(folder / "metrics.tsv", pd.DataFrame(rows))
    table = pd.DataFrame(columns=["protocol"]) if predictions is None else predictions.assign(protocol=protocol, **head)
    table.to_parquet(folder / "predictions.parquet")
    return folder / "metrics.tsv", folder / "predictions.parquet"


def summary_of(path, jobs, families):
    """tables/metrics.tsv with the first metric of every job marked."""
    rows = []
    for metrics, _ in jobs:
        table = read_tsv(metrics)
        for protocol, rows_of_protocol in table.groupby("protocol"):
            rows.append(
                dict(rows_of_protocol.iloc[0][["task", "model", "group", "metric"]])
                | {"protocol": protocol, "primary": 1}
            )
    table = pd.DataFrame(rows)
    table.insert(1, "family", [families.get(task, "one") for task in table.task])
    for name in (
        "mean",
        "se",
        "lower",
        "upper",
        "n_folds",
        "n_failed",
        "n_empty",
        "n_train",
        "n_test",
        "n_samples",
        "n_missing",
    ):
        table[name] = 0
    write_tsv(path, table.assign(shots=0, n_fits=1, chance=0.5, p_permuted=0.05))
    return path


def run(tmp_path, jobs, families=None, models=MODELS, note=""):
    names = {
        "tests": "tests.tsv",
        "means": "means.tsv",
        "survival": "survival.tsv",
        "page": "p.html",
        "curves": "c.svg",
    }
    outputs = {key: str(tmp_path / name) for key, name in names.items()}
    survival, samples = assess_models(
        metrics=str(summary_of(tmp_path / "metrics.tsv", jobs, families or {})),
        folds=[str(metrics) for metrics, _ in jobs],
        predictions=[str(predictions) for _, predictions in jobs],
        models=models,
        note=note,
        outputs=outputs,
    )
    plot_survival(survival, samples, outputs["curves"], note)
    return outputs | {name: read_tsv(outputs[name]) for name in ("tests", "means", "survival")}
