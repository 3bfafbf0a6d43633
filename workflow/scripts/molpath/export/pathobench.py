"""Tasks and embeddings in the layout that Patho-Bench reads: a task from local files, pooled features of its samples.

splits/<source>/<task>/config.yaml, k=all.tsv      as Patho-Bench's own
embeddings/<model>/<source>/<task>/<sample>.h5     dataset `features`, float32, 1 x D

What its reader takes (patho_bench/SplitFactory, DataSplit, DatasetFactory): labels and survival times as integers;
times in days, in columns <task>_event and <task>_days of a task called OS, PFS or DSS; ids as pandas reads them, for
which NA and the like are missing. Patch features need no copy: results/wsi/<grid>/features_<encoder> is TRIDENT's
layout.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ..common.files import atomic_path, new_h5, read_tsv, remove_leftovers, write_text, write_tsv
from ..common.given_yaml import read_yaml
from ..probe.samples import load_samples
from ..probe.tasks import Task, fold_columns, in_order, read_survival, read_task, survival_columns
from .asked import remove_below

COLUMNS = ("model", "task", "status", "detail", "samples", "missing", "splits", "embeddings")
#: Keys of config.yaml that Patho-Bench asks for, and what it gets where a task has none.
NEEDED: dict[str, Any] = {"extra_cols": [], "label_dict": {}, "metrics": []}
#: Keys of ours that it doesn't know.
OWN = ("splits", "allow_case_overlap")
#: Tasks whose survival times it reads.
SURVIVAL = ("OS", "PFS", "DSS")
#: How many names a cell shows.
SHOWN = 10


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
    """Write splits and embeddings beside `output`, which gets a row per model and task; none of an earlier run stay.

    jobs: (model, task) of each file of the five lists that follow; bags: blocks of embeddings of bags that some tasks
    define, by <model>/bags/<task>.h5; missing: as of `load_samples`. A task that predicts a number has no place in
    Patho-Bench and is left out, with the reason in its row; so are samples whose names it can't read.
    """
    folder, rows = Path(output).parent, []
    for (model, name), config, table, slide, case, cohort in zip(
        jobs, configs, tables, slides, cases, cohorts, strict=True
    ):
        row: dict[str, Any] = {"model": model, "task": name}
        task = read_task(name, config, table)
        if task.is_regression:
            rows.append(row | {"status": "left out", "detail": "Patho-Bench has no tasks that predict a number"})
            continue
        own = next((path for path in bags if path.endswith(f"/{model}/bags/{name}.h5")), "")
        embedded, vectors = load_samples(task, slide, case, bags=own, cohort=cohort, missing=missing)
        place = name.replace("--", "/", 1)
        splits, embeddings = f"splits/{place}", f"embeddings/{model}/{place}"
        written, unreadable = write_task(folder / splits, config, table, task.endpoint)
        readable = {sample: x for sample, x in zip(embedded.samples, vectors, strict=True) if sample in written}
        write_vectors(folder / embeddings, readable)
        row |= {"status": "ok", "detail": detail_of(task, embedded.samples, unreadable)}
        row |= {"samples": len(readable), "missing": len(task.samples) - len(readable)}
        rows.append(row | {"splits": splits, "embeddings": embeddings})
    for part in ("splits", "embeddings"):
        remove_below(folder / part, {folder / row[part] for row in rows if part in row})
    write_tsv(output, pd.DataFrame([{name: row.get(name, "") for name in COLUMNS} for row in rows], columns=COLUMNS))


def detail_of(task: Task, embedded: Sequence[str], unreadable: Sequence[str]) -> str:
    """What Patho-Bench gets no embedding of, or can't read."""
    having = set(embedded)
    absent = [sample for sample in task.samples if sample not in having]
    notes = [f"no embedding: {shortened(absent)}"] * bool(absent)
    notes += [f"names that Patho-Bench can't read: {shortened(unreadable)}"] * bool(unreadable)
    if task.is_survival and task.endpoint not in SURVIVAL:
        notes.append(f"Patho-Bench reads survival times of {', '.join(SURVIVAL)} alone, not of {task.endpoint}")
    return "; ".join(notes)


def shortened(names: Sequence[str]) -> str:
    """The first names."""
    return f"{', '.join(names[:SHOWN])}{' …' * (len(names) > SHOWN)}"


def write_task(
    folder: Path, config: str | os.PathLike[str], table: str | os.PathLike[str], endpoint: str = ""
) -> tuple[set[str], list[str]]:
    """Write config.yaml and k=all.tsv; returns its samples, and names that Patho-Bench can't read.

    endpoint: of a survival task, which is called so there ('': a task of classes). Rows of such names are left out, and
    those without a label. A case without a slide stands as a slide of its own name. Codes of classes are 0, 1, … in
    their order, as probes have them.
    """
    settings = {key: value for key, value in read_yaml(config).items() if key not in OWN}
    settings |= {key: value for key, value in NEEDED.items() if not settings.get(key)}
    column = settings["task_col"]
    rows = read_tsv(table, lines="#")
    rows = rows[rows[column] != ""].copy()
    slides = rows.get("slide_id", rows.case_id)
    rows["slide_id"] = slides.where(slides != "", rows.case_id)
    if endpoint:
        rows, changed = as_survival(rows, settings, table, endpoint)
        settings |= changed
    else:
        settings["label_dict"], rows[column] = as_codes(rows[column], settings["label_dict"])
        settings["task_type"] = "classification"
    samples = rows[settings["sample_col"]]
    unreadable = taken_for_missing([*rows.case_id, *rows.slide_id]) | {name for name in samples if "/" in name}
    rows = rows[~rows.case_id.isin(unreadable) & ~rows.slide_id.isin(unreadable)]
    remove_leftovers(folder, ("config.yaml", "k=all.tsv"))
    write_text(folder / "config.yaml", yaml.safe_dump(settings, sort_keys=True, allow_unicode=True))
    columns = ["case_id", "slide_id", settings["task_col"], *settings["extra_cols"], *fold_columns(rows)]
    with atomic_path(folder / "k=all.tsv") as temporary:
        rows[list(dict.fromkeys(columns))].to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    return set(rows[settings["sample_col"]]), sorted(unreadable)


def as_codes(labels: pd.Series, label_dict: dict[Any, str]) -> tuple[dict[int, str], pd.Series]:
    """Classes by their numbers from 0, and these numbers of the labels."""
    classes = in_order({str(code): name for code, name in label_dict.items()})
    return dict(enumerate(classes.values())), labels.map({code: number for number, code in enumerate(classes)})


def as_survival(
    rows: pd.DataFrame, settings: dict[str, Any], table: str | os.PathLike[str], endpoint: str
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Rows with <endpoint>, <endpoint>_event (0, 1) and <endpoint>_days (whole days, 1 at least), and keys that change.

    The label, an integer for Patho-Bench, is the task's own where it has classes, else the event.
    """
    column, extra = settings["task_col"], settings["extra_cols"]
    event, time = survival_columns(rows, column, extra, str(table))
    days, events = read_survival(rows, event, time, str(table))
    names, codes = as_codes(rows[column], settings["label_dict"])
    if codes.isna().any():
        names, codes = {0: "censored", 1: "event"}, pd.Series(events.astype(int), rows.index)
    own = {endpoint: codes.astype(int), f"{endpoint}_event": events.astype(int)}
    rows = rows.assign(**own | {f"{endpoint}_days": np.maximum(np.rint(days).astype(int), 1)})
    kept = [name for name in extra if name not in (column, event, time)]
    columns = [f"{endpoint}_event", f"{endpoint}_days", *kept]
    return rows, {"task_col": endpoint, "task_type": "survival", "extra_cols": columns, "label_dict": names}


def taken_for_missing(ids: Sequence[str]) -> set[str]:
    """Ids that pandas reads as missing values: NA, None, …"""
    names = sorted(set(ids))
    table = StringIO(pd.DataFrame({"id": names}).to_csv(index=False))
    read = pd.read_csv(table, dtype=str, skip_blank_lines=False)["id"]
    return {name for name, is_missing in zip(names, read.isna(), strict=True) if is_missing}


def write_vectors(folder: Path, vectors: dict[str, Any]) -> None:
    """A file per sample, and no other."""
    for sample, vector in sorted(vectors.items()):
        with new_h5(folder / f"{sample}.h5") as handle:
            handle.create_dataset("features", data=vector[None].astype("float32"))
    remove_below(folder, {folder / f"{sample}.h5" for sample in vectors})
