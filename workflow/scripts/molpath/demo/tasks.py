"""Tasks of the demo in Patho-Bench's form: labels that follow the planted truth with noise, folds by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from ..common.files import write_text, write_tsv
from .truth import MUTATED_WITH, Truth, draw_truth, generator

#: Task -> family its score is averaged in.
TASKS = {
    "subtype": "morphology",
    "grade": "morphology",
    "immune": "molecular",
    **{f"{gene}_mutation": "molecular" for gene in MUTATED_WITH},
    "OS": "survival",
}
#: Share of subtype labels that are wrong, and noise added to a degree before it is cut at the median.
LABEL_NOISE, DEGREE_NOISE = 0.08, 0.6
FOLDS = 3


def make_tasks(slides: Sequence[Mapping[str, str]], folder: str | Path, seed: int, folds: int = FOLDS) -> None:
    """Write <folder>/<task>/config.yaml and k=all.tsv of every task. `slides`: rows with slide_id and case_id."""
    truths = [draw_truth(seed, case) for case in dict.fromkeys(row["case_id"] for row in slides)]
    for task, family in TASKS.items():
        labels, extra = labels_of(task, truths, seed)
        fold = assign_folds(list(labels.values()), folds, seed)
        by_case = dict(zip(labels, fold, strict=True))
        rows = []
        for slide in slides:
            case = slide["case_id"]
            row = {"case_id": case, "slide_id": slide["slide_id"], task: labels[case]} | extra.get(case, {})
            sides = {f"fold_{k}": "test" if by_case[case] == k else "train" for k in range(folds)}
            rows.append(row | sides)
        target = Path(folder) / task
        write_text(target / "config.yaml", settings_of(task, family, labels))
        write_tsv(target / "k=all.tsv", pd.DataFrame(rows))


def write_listing(folder: str | Path, path: str | Path) -> None:
    """A table of the tasks: name, family, cases, share of the commonest label."""
    rows = []
    for task, family in TASKS.items():
        labels = pd.read_csv(Path(folder) / task / "k=all.tsv", sep="\t").drop_duplicates("case_id")[task]
        share = round(float(labels.value_counts(normalize=True).iloc[0]), 3)
        rows.append({"task": task, "family": family, "cases": len(labels), "commonest": share})
    write_tsv(path, pd.DataFrame(rows))


def labels_of(task: str, truths: Sequence[Truth], seed: int) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Label of each case, and the extra columns (survival times) of each case."""
    if task == "OS":
        return survival_labels(truths)
    if task.endswith("_mutation"):
        return {truth.case_id: truth.mutated[task.removesuffix("_mutation")] for truth in truths}, {}
    noise = {truth.case_id: generator(seed, truth.case_id, f"label {task}") for truth in truths}
    if task == "subtype":
        return {t.case_id: int(t.subtype ^ (noise[t.case_id].random() < LABEL_NOISE)) for t in truths}, {}
    values = {t.case_id: getattr(t, task) + noise[t.case_id].normal(0, DEGREE_NOISE) for t in truths}
    middle = np.median(list(values.values()))
    return {case: int(value > middle) for case, value in values.items()}, {}


def survival_labels(truths: Sequence[Truth]) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Patho-Bench's stratification label 0-7 (event x quartile of follow-up), and times and events."""
    quartile = pd.qcut([truth.days for truth in truths], 4, labels=False, duplicates="drop")
    labels = {truth.case_id: int(q + 4 * truth.event) for truth, q in zip(truths, quartile, strict=True)}
    return labels, {truth.case_id: {"OS_event": truth.event, "OS_days": int(truth.days)} for truth in truths}


def assign_folds(labels: Sequence[int], folds: int, seed: int) -> list[int]:
    """Fold of each case: each label is shuffled and dealt out, going on where the last label stopped."""
    rng = np.random.default_rng([seed, folds])
    label_array = np.asarray(labels)
    order = np.concatenate([rng.permutation(np.flatnonzero(label_array == label)) for label in np.unique(label_array)])
    fold = np.empty(len(labels), int)
    fold[order] = np.arange(len(labels)) % folds
    return fold.tolist()


def settings_of(task: str, family: str, labels: Mapping[str, int], classes: Mapping[int, str] | None = None) -> str:
    """config.yaml of a task. classes: names of its labels, where the task's own name doesn't say."""
    survival = task == "OS"
    names = {0: "low", 1: "high"} if task in ("grade", "immune") else {0: "wild type", 1: "mutated"}
    if classes:
        names = dict(classes)
    elif task == "subtype":
        names = {0: "glandular", 1: "solid"}
    if survival:
        names = {label: f"stratum {label}" for label in sorted(set(labels.values()))}
    settings = {
        "datasets": ["synthetic"],
        "task_col": task,
        "sample_col": "case_id",
        "extra_cols": ["OS_event", "OS_days"] if survival else [],
        "label_dict": names,
        "metrics": ["cindex"] if survival else ["macro-ovr-auc"],
        "task_type": "survival" if survival else "classification",
        "family": family,
        "num_samples": len(labels),
    }
    return "# Synthetic: made by the demo's generator, no patients.\n" + yaml.safe_dump(settings, sort_keys=False)
