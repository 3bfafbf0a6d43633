"""Tasks and embeddings in the layout that Patho-Bench reads: a task from local files, pooled features of its samples.

splits/<source>/<task>/config.yaml, k=all.tsv      as Patho-Bench's own
embeddings/<model>/<source>/<task>/<sample>.h5     dataset `features`, float32, 1 x D

Patch features need no copy: results/wsi/<grid>/features_<encoder> is TRIDENT's layout, which Patho-Bench reads.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..common.files import new_h5, read_tsv, write_text, write_tsv
from ..common.given_yaml import read_yaml
from ..probe.samples import load_samples
from ..probe.tasks import in_order, read_task

COLUMNS = ("model", "task", "status", "detail", "samples", "missing", "splits", "embeddings")
#: Keys of config.yaml that Patho-Bench asks for, and what it gets where a task has none.
NEEDED: dict[str, Any] = {"extra_cols": [], "label_dict": {}, "metrics": []}
#: Keys of ours that it doesn't know.
OWN = ("splits", "allow_case_overlap")


def write_inputs(
    *,
    jobs: Sequence[Sequence[str]],
    configs: Sequence[str],
    tables: Sequence[str],
    slides: Sequence[str],
    cases: Sequence[str],
    cohorts: Sequence[str],
    bags: Sequence[str],
    missing: str,
    output: str,
) -> None:
    """Write splits and embeddings beside `output`, which gets a row for each model and task.

    jobs: (model, task) of each file of the five lists that follow; bags: blocks of embeddings of bags that some tasks
    define, by <model>/bags/<task>.h5; missing: as of `load_samples`. A task that predicts a number has no place in
    Patho-Bench and is left out, with a word in its row.
    """
    folder, rows = Path(output).parent, []
    for (model, name), config, table, slide, case, cohort in zip(
        jobs, configs, tables, slides, cases, cohorts, strict=True
    ):
        source, _, short = name.partition("--")
        row: dict[str, Any] = {"model": model, "task": name}
        task = read_task(name, config, table)
        if task.is_regression:
            rows.append(row | {"status": "left out", "detail": "Patho-Bench has no tasks that predict a number"})
            continue
        splits = f"splits/{source}/{short}"
        write_task(folder / splits, config, table, "survival" if task.is_survival else "classification")
        own = next((path for path in bags if path.endswith(f"/{model}/bags/{name}.h5")), "")
        embedded, vectors = load_samples(task, slide, case, bags=own, cohort=cohort, missing=missing)
        place = f"embeddings/{model}/{source}/{short}"
        write_vectors(folder / place, dict(zip(embedded.samples, vectors, strict=True)))
        absent = [sample for sample in task.samples if sample not in set(embedded.samples)]
        detail = f"no embedding: {', '.join(absent[:10])}{' …' * (len(absent) > 10)}" if absent else ""
        counts = {"samples": len(embedded.samples), "missing": len(absent), "splits": splits, "embeddings": place}
        rows.append(row | {"status": "ok", "detail": detail} | counts)
    write_tsv(output, pd.DataFrame([{name: row.get(name, "") for name in COLUMNS} for row in rows], columns=COLUMNS))


def write_task(folder: Path, config: str | os.PathLike[str], table: str | os.PathLike[str], kind: str) -> None:
    """Write config.yaml (task_type: kind) and k=all.tsv, without rows that have no label, which it can't read.

    A case without a slide stands as a slide of its own name. Codes of classes are 0, 1, … in their order, as probes
    have them: Patho-Bench reads labels as integers and counts classes.
    """
    settings = {key: value for key, value in read_yaml(config).items() if key not in OWN}
    settings |= {key: value for key, value in NEEDED.items() if not settings.get(key)}
    settings["task_type"], column = kind, settings["task_col"]
    rows = read_tsv(table)
    rows = rows[rows[column] != ""]
    if kind == "classification":
        classes = in_order({str(code): name for code, name in settings["label_dict"].items()})
        settings["label_dict"] = dict(enumerate(classes.values()))
        rows = rows.assign(**{column: rows[column].map({code: str(number) for number, code in enumerate(classes)})})
    write_text(folder / "config.yaml", yaml.safe_dump(settings, sort_keys=True, allow_unicode=True))
    if "slide_id" not in rows:
        rows.insert(list(rows.columns).index("case_id") + 1, "slide_id", rows.case_id)
    write_tsv(folder / "k=all.tsv", rows)


def write_vectors(folder: Path, vectors: dict[str, Any]) -> None:
    """A file per sample, and no other."""
    for sample, vector in sorted(vectors.items()):
        with new_h5(folder / f"{sample}.h5") as handle:
            handle.create_dataset("features", data=vector[None].astype("float32"))
    for path in folder.glob("*.h5"):
        if path.stem not in vectors and not path.name.startswith("."):
            path.unlink()  # of an earlier run
