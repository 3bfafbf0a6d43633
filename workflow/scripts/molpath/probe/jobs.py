"""One probing job: a model, a task, a group of protocols."""

from __future__ import annotations

from ..common.settings.probe import Cox, Probe
from .outputs import write_results
from .permuting import stratified
from .protocols import probe_fewshot, probe_frozen
from .retrieval import probe_retrieval, retrieval_interval
from .samples import load_samples
from .tasks import Task, read_task

GROUPS = {"frozen": probe_frozen, "fewshot": probe_fewshot, "retrieval": probe_retrieval}
#: Groups whose first metric is not the task's own, and protocols with intervals of their own.
PRIMARY = {"retrieval": "mAP@1"}
INTERVALS = {"retrieval": retrieval_interval}


def run_probe(
    *,
    task: str,
    config: str,
    table: str,
    slides: str,
    cases: str,
    model: str,
    group: str,
    settings: Probe,
    predictions: str,
    metrics: str,
    summary: str,
    bags: str = "",
    cohort: str = "",
) -> None:
    """Write predictions.parquet, metrics.tsv (every fold) and summary.tsv (over folds, with intervals).

    slides, cases: embeddings by the model; the task says which of them it needs. bags, cohort: see load_samples, which
    also says which samples may lack an embedding; those are left out, listed in the log and counted in `n_missing`.
    """
    full_task = read_task(task, config, table)
    missing = settings.get("missing", "set_aside")
    embedded, x = load_samples(full_task, slides, cases, bags=bags, cohort=cohort, missing=missing)
    embedded = stratified(embedded, settings)
    settings = {**settings, "cox": cox_for(settings["cox"], embedded, model)}
    results = GROUPS[group](embedded, x, settings)
    head = {"task": task, "model": model, "group": group}
    outputs = {"predictions": predictions, "metrics": metrics, "summary": summary}
    absent = len(full_task.samples) - len(embedded.samples)
    write_results(results, outputs, head, settings, absent, PRIMARY.get(group, ""), INTERVALS)


def cox_for(settings: Cox, task: Task, model: str) -> Cox:
    """Settings of the Cox probe with the alpha that this task and model have.

    The general one, unless `alphas` has one for the endpoint (OS, PFS), unless `exceptions` has one for the task, the
    model or both (the last that fits).
    """
    alpha = settings.get("alphas", {}).get(task.endpoint, settings["alpha"])
    for entry in settings.get("exceptions", ()):
        if entry.get("task") in (None, "", task.name) and entry.get("model") in (None, "", model):
            alpha = entry["alpha"]
    return {**settings, "alpha": alpha}
