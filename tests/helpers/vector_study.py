"""A study of given vectors alone: a folder with one table of vectors, some tasks, and a config of ten lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from projects import write_table

CONFIG = """\
slides: {{sheet: ""}}
embed:
  models:
    mine: {{kind: table, path: vectors.tsv}}
  use: [mine]
probe:
  tasks:
{tasks}
  use: [{used}]
"""


def write_study(folder: Path, cases: int, width: int, tasks: int, folds: int = 5) -> np.ndarray:
    """Write vectors.tsv, tasks/<k> and config.yaml; each task's label follows one number of the vector, with noise.

    Tasks have three classes, except the first, which has two. Returns the vectors (float32 cases x width).
    """
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(cases, width)).astype(np.float32)
    names = [f"C{k:05d}" for k in range(cases)]
    head = "\t".join(["case_id", *(f"e{k}" for k in range(width))])
    rows = ("\t".join([name, *map(str, row.tolist())]) for name, row in zip(names, vectors, strict=True))
    (folder / "vectors.tsv").write_text("\n".join([head, *rows]) + "\n")
    for task in range(tasks):
        classes = 2 if task == 0 else 3
        score = vectors[:, task] + 0.3 * rng.normal(size=cases)
        label = np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
        write_task(folder / f"tasks/t{task}", names, label, classes, folds)
    entries = "\n".join(f"    mine--t{task}: {{path: tasks/t{task}}}" for task in range(tasks))
    used = ", ".join(f"mine--t{task}" for task in range(tasks))
    (folder / "config.yaml").write_text(CONFIG.format(tasks=entries, used=used))
    return vectors


def write_task(folder: Path, names: list[str], label: np.ndarray, classes: int, folds: int) -> None:
    """Write config.yaml and k=all.tsv of a task of cases without slides."""
    rows = []
    for k, name in enumerate(names):
        sides = {f"fold_{fold}": "test" if k % folds == fold else "train" for fold in range(folds)}
        rows.append({"case_id": name, "label": label[k]} | sides)
    write_table(folder / "k=all.tsv", rows)
    settings = {
        "task_col": "label",
        "sample_col": "case_id",
        "label_dict": {k: f"class {k}" for k in range(classes)},
        "metrics": ["macro-ovr-auc" if classes == 2 else "bacc"],
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
