"""Samples of the tasks that a protocol joins: labels, embeddings, and no case on two sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from .embeddings import EmbeddingTable
from .samples import choose_samples, load_samples
from .tasks import BadTask, Task, read_task


class Side(NamedTuple):
    """A task on one side: its id, config.yaml, k=all.tsv, and the block of its own bags ('' for most)."""

    name: str
    config: str
    table: str
    bags: str = ""


class Embeddings(NamedTuple):
    """h5ad of a model's slides and cases; cohort: manifest of the slides to embed (see samples.load_samples)."""

    slides: str
    cases: str
    cohort: str = ""


def load_side(side: Side, files: Embeddings, missing: str, folds_needed: bool = False) -> tuple[Task, np.ndarray, int]:
    """Task (of the samples that have an embedding), embeddings (float32 N x D), and how many have none."""
    full_task = read_task(side.name, side.config, side.table, folds_needed)
    embedded, x = load_samples(
        full_task, files.slides, files.cases, bags=side.bags, cohort=files.cohort, missing=missing
    )
    return embedded, x, len(full_task.samples) - len(embedded.samples)


def load_support(side: Side, files: Embeddings) -> tuple[Task, np.ndarray]:
    """Task with all its samples, and embeddings (float32 N x D) with rows of nan where a sample has none."""
    full_task = read_task(side.name, side.config, side.table, folds_needed=False)
    table = EmbeddingTable.read(files.cases if full_task.unit == "case_id" else files.slides)
    if not set(table.ids) & set(full_task.samples):
        return full_task, np.full((len(full_task.samples), 1), np.nan, np.float32)
    embedded, x = choose_samples(full_task, table, files.slides, bags=side.bags, cohort=files.cohort, missing="skip")
    return full_task, pd.DataFrame(x, index=embedded.samples).reindex(full_task.samples).to_numpy(np.float32)


def case_of(task: Task) -> np.ndarray:
    """Case (object N) of each sample."""
    return np.array([task.cases.get(name, name) for name in task.samples], object)


def check_disjoint(first: Task, second: Task) -> None:
    """No case in both tasks; raises BadTask that names the first such case."""
    shared_cases = sorted(set(case_of(first)) & set(case_of(second)))
    if shared_cases:
        more = f" (and {len(shared_cases) - 1} more)" if len(shared_cases) > 1 else ""
        raise BadTask(f"case {shared_cases[0]}{more} is in {first.name} and in {second.name}; take it out of one")
