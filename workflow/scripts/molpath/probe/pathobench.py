"""Results of the frozen probes in the layout of Patho-Bench's own, for tools that read those.

{source}/{task}/{model}_{experiment}/{hyperparameters}/ with config.json, split.csv, test_metrics/fold_i/metrics.json
(bootstrap_i of a task with one fold) and test_metrics_summary.json; results_summary.csv over all. Every number is
computed again from predictions.parquet with scikit-learn, so the layout also checks this workflow's tables.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..common.files import atomic_path, read_tsv, write_json
from ..common.settings.probe import Probe
from .intervals import percentiles, resampled
from .jobs import cox_for
from .metrics import concordance
from .tasks import Task, read_task

#: Protocols that Patho-Bench has, with its names of experiments.
EXPERIMENTS = {"logistic": "linprobe", "cox": "coxnet"}


def write_results(
    *,
    jobs: Sequence[Sequence[str]],
    configs: Sequence[str],
    tables: Sequence[str],
    predictions: Sequence[str],
    metrics: Sequence[str],
    settings: Probe,
    output: str,
) -> None:
    """Write the folders next to `output` (results_summary.csv), which gets a row per model, task, protocol and metric.

    jobs: (model, task) of each file of the four lists. A fold without a result has null for every metric and a `note`.
    Folders of an earlier run, of models and tasks that left the config or with more folds, are removed.
    """
    rows = []
    remove_earlier(Path(output).parent)
    for (model, name), config, table, guesses, metrics_path in zip(
        jobs, configs, tables, predictions, metrics, strict=True
    ):
        task = read_task(name, config, table)
        guessed, folds = pd.read_parquet(guesses), read_tsv(metrics_path)
        for protocol in folds.protocol.unique():
            experiment = EXPERIMENTS.get(protocol.split("_C=")[0])
            if experiment is None:
                continue
            protocol_predictions = guessed[guessed.protocol == protocol] if "protocol" in guessed else guessed
            parameters = parameters_of(protocol, task, model, settings)
            source, _, short = name.partition("--")
            place = Path(source, short, f"{model}_{experiment}", word_of(parameters))
            summary = write_one(
                Path(output).parent / place, task, protocol_predictions, folds[folds.protocol == protocol], settings
            )
            write_json(
                Path(output).parent / place / "config.json",
                {"task": name, "model": model, "experiment": experiment, "seed": settings["seed"]} | parameters,
            )
            head = {"source": source, "task": short, "model": model, "experiment": experiment}
            rows += [head | {"hyperparameters": place.name, "metric": key} | value for key, value in summary.items()]
    with atomic_path(output) as temporary:
        columns = ["source", "task", "model", "experiment", "hyperparameters", "metric", "mean", "se", "lower", "upper"]
        pd.DataFrame(rows, columns=[*columns, "formatted"]).to_csv(temporary, index=False, lineterminator="\n")


def remove_earlier(results: Path) -> None:
    """Remove folders that an earlier run wrote, and those that are empty then; what others wrote beside them stays."""
    for config in list(results.glob("*/*/*/*/config.json")):
        shutil.rmtree(config.parent)
        for parent in config.parents[1:4]:
            with contextlib.suppress(OSError):  # it holds more
                parent.rmdir()


def parameters_of(protocol: str, task: Task, model: str, settings: Probe) -> dict[str, Any]:
    """Settings of the solver that a protocol ran with."""
    if protocol == "cox":
        cox = cox_for(settings["cox"], task, model)
        return {"alpha": cox["alpha"], "l1_ratio": cox["l1_ratio"], "max_iter": cox["max_iter"]}
    c = protocol.partition("_C=")[2] or settings["C"] or "adaptive"
    return {"C": c if c == "adaptive" else float(c), "max_iter": settings["max_iter"], "balanced": True}


def word_of(parameters: Mapping[str, Any]) -> str:
    """Name of a folder that gives the parameters: C=0.5_balanced=True."""
    text = "_".join(f"{name}={value}" for name, value in sorted(parameters.items()) if name != "max_iter")
    return re.sub(r"[^\w.=-]", "-", text)


def write_one(
    folder: Path, task: Task, predictions: pd.DataFrame, folds: pd.DataFrame, settings: Probe
) -> dict[str, Any]:
    """Write split.csv, metrics of folds or bootstraps, and their summary, which is returned."""
    split = pd.DataFrame(task.folds, columns=[f"fold_{i}" for i in range(task.folds.shape[1])])
    split.insert(0, task.unit, task.samples)
    with atomic_path(folder / "split.csv") as temporary:
        split.to_csv(temporary, index=False, lineterminator="\n")
    single = task.folds.shape[1] == 1
    values = []
    for fold in range(task.folds.shape[1]):
        fold_predictions = predictions[predictions.fold == fold] if len(predictions) else predictions
        note = "; ".join(sorted(set(folds.note[folds.fold.astype(int) == fold]) - {""}))
        draws = [np.arange(len(fold_predictions))]
        if single and len(fold_predictions):
            counts = resampled(
                np.random.default_rng([settings["seed"], 18]), len(fold_predictions), settings["bootstraps"]
            )
            draws = [np.repeat(np.arange(len(fold_predictions)), count.astype(int)) for count in counts]
        for i, draw in enumerate(draws):
            overall = overall_of(task, fold_predictions.iloc[draw])
            path = folder / "test_metrics" / (f"bootstrap_{i}" if single else f"fold_{fold}") / "metrics.json"
            write_json(path, {"threshold": None, "overall": overall} | ({"note": note} if note else {}))
            values.append(overall)
    summary = {name: over(np.array([v.get(name) for v in values], float), single) for name in names_of(values)}
    write_json(folder / "test_metrics_summary.json", summary)
    return summary


def names_of(values: Sequence[Mapping[str, Any]]) -> list[str]:
    """Metrics in the order of the first fold that has some."""
    return list(dict.fromkeys(name for value in values for name in value))


def over(values: np.ndarray, single: bool) -> dict[str, Any]:
    """Mean and standard error over folds, or mean and percentiles over bootstraps; None where no fold has a value."""
    finite_values = values[np.isfinite(values)]
    if not len(finite_values):
        return {"mean": None, "formatted": "no result"}
    mean = float(finite_values.mean())
    if single:
        lower, upper = map(float, percentiles(finite_values))
        return {"mean": mean, "lower": lower, "upper": upper, "formatted": f"{mean:.3f} ({lower:.3f}-{upper:.3f})"}
    se = float(finite_values.std() / np.sqrt(len(finite_values)))
    return {"mean": mean, "se": se, "formatted": f"{mean:.3f} ± {se:.3f}"}


def overall_of(task: Task, predictions: pd.DataFrame) -> dict[str, float | None]:
    """Patho-Bench's metrics of predictions: twelve of classes, the c-index of survival; None where one is undefined."""
    if predictions.empty:
        return {task.primary: None}
    if task.is_survival:
        value = concordance(predictions.time.to_numpy(), predictions.event.to_numpy(bool), predictions.risk.to_numpy())
        return {"cindex": value if np.isfinite(value) else None, "support": float(len(predictions))}
    labels = predictions.label.to_numpy()
    scores = predictions[[f"prob_{code}" for code in range(len(task.classes))]].to_numpy()
    guess = scores.argmax(1)
    from sklearn import metrics as sk

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        metrics: dict[str, float | None] = {
            f"macro-{kind}-auc": area(labels, scores, kind, sk.roc_auc_score) for kind in ("ovr", "ovo")
        }
        for average in ("macro", "weighted"):
            precision, recall, f1, _ = sk.precision_recall_fscore_support(
                labels, guess, average=average, zero_division=0
            )
            kinds = {"precision": precision, "recall": recall, "f1": f1}
            metrics |= {f"{average}-{kind}": float(value) for kind, value in kinds.items()}
        metrics["acc"] = float(sk.accuracy_score(labels, guess))
        metrics["bacc"] = float(sk.balanced_accuracy_score(labels, guess))
        kappa = float(sk.cohen_kappa_score(labels, guess, weights="quadratic"))
        metrics["weighted_kappa"] = kappa if np.isfinite(kappa) else None
    return metrics | {"support": float(len(labels))}


def area(
    labels: np.ndarray, scores: np.ndarray, kind: str, roc_auc_score: Callable[[np.ndarray, np.ndarray], float]
) -> float | None:
    """AUC of the positive class, or over the classes present, one against the rest or each against each."""
    present = np.unique(labels)
    if len(present) < 2:
        return None
    if scores.shape[1] == 2:
        return float(roc_auc_score(labels, scores[:, 1]))
    if kind == "ovr":
        return float(np.mean([roc_auc_score(labels == code, scores[:, code]) for code in present]))
    pairs = [(a, b) for i, a in enumerate(present) for b in present[i + 1 :]]
    values = []
    for a, b in pairs:
        chosen = np.isin(labels, (a, b))
        values += [roc_auc_score(labels[chosen] == c, scores[chosen, c]) for c in (a, b)]
    return float(np.mean(values))
