"""Embeddings of a task's samples: each of exactly the slides that the task lists, finite, none missing unnoticed."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.files import read_tsv
from .embeddings import EmbeddingTable, are_finite, read_block, shortened
from .tasks import BadTask, Task

log = logging.getLogger(__name__)

#: Kind of model, and what its vectors are of, where a case's vector isn't made of slides.
CASES_GIVEN = (("table", "case_id"), ("table", ""))


def load_samples(
    task: Task, slides: str, cases: str, *, bags: str = "", cohort: str = "", missing: str = "set_aside"
) -> tuple[Task, np.ndarray]:
    """The task of the samples that have an embedding, and those embeddings (float32 N x D) in its order.

    slides, cases: h5ad by the model. bags: block of the cases whose slides in the task are not all they have in the
    sheet. cohort: manifest of the slides to embed, which says what was set aside. missing: `set_aside` lets those
    samples be missing of whose slides none was usable, `skip` all, `fail` none. Sites and numbers of patches are added
    to the task. Raises BadTask that names the samples.
    """
    table = EmbeddingTable.read(cases if task.unit == "case_id" else slides)
    return choose_samples(task, table, slides, bags=bags, cohort=cohort, missing=missing)


def choose_samples(
    task: Task, table: EmbeddingTable, slides: str, *, bags: str = "", cohort: str = "", missing: str = "set_aside"
) -> tuple[Task, np.ndarray]:
    """What `load_samples` gives, from the table of the task's unit, already read."""
    by_case, ids = task.unit == "case_id", table.ids
    slide_table = None if by_case else table
    if by_case and os.path.isfile(slides):
        slide_table = EmbeddingTable.read(slides, with_vectors=False)
    vectors = {name: table.vectors[i] for i, name in enumerate(ids)}
    used = dict(zip(ids, table.columns.get("slides_used", [""] * len(ids)), strict=True))
    patches = dict(zip(ids, table.columns.get("n_patches", []), strict=False))
    if bags:
        names, block_vectors, members, counts = read_block(bags)
        listed = {name for name in task.samples if name in names}
        vectors |= {name: block_vectors[i] for i, name in enumerate(names) if name in listed}
        used |= dict(zip(names, members, strict=True))
        patches |= dict(zip(names, counts, strict=True))
    embedded: set[str] = set()
    if by_case and slide_table and (table.kind, table.given) not in CASES_GIVEN:
        embedded = set(slide_table.ids)
        vectors = {name: x for name, x in vectors.items() if not is_unlisted(task.slides.get(name), embedded)}
    with_vectors = task.keep(list(vectors))
    check_missing(task, with_vectors, table, cohort, missing)
    if embedded:
        check_bags(with_vectors, used, embedded, table.path)
    chosen = np.stack([vectors[name] for name in with_vectors.samples])
    check_finite(chosen, with_vectors.samples, task.unit, table.path)
    sizes = {name: int(patches[name]) for name in with_vectors.samples if int(patches.get(name, "0"))}
    return dataclasses.replace(with_vectors, sites=sites_of(with_vectors, slide_table), patches=sizes), chosen


def check_missing(task: Task, embedded: Task, embeddings: EmbeddingTable, cohort: str, missing: str) -> None:
    """List samples without an embedding; raise BadTask where the settings do not allow them to be missing.

    Without a table of the cohort it is unknown what was set aside, and `set_aside` lets all be missing.
    """
    present = set(embedded.samples)
    absent = [name for name in task.samples if name not in present]
    table = read_tsv(cohort) if cohort and absent else None
    path = embeddings.path
    reasons = {name: why_missing(task, name, table) for name in absent}
    for name, reason in reasons.items():
        log.warning("%s: %s %s has no embedding: %s", task.name, task.unit, name, reason or "no reason is known")
    wrong = {"skip": [], "fail": absent}.get(missing, [name for name in absent if cohort and not reasons[name]])
    if wrong:
        raise BadTask(
            f"{task.name}: {len(wrong)} of {len(task.samples)} {task.unit}s have no embedding in {path}: "
            f"{shortened(wrong)}. Add their slides or vectors, take the rows out, or set `missing: skip`"
        )
    if not embedded.samples:
        raise BadTask(f"{task.name}: none of its {task.unit}s has an embedding in {path}")


def why_missing(task: Task, name: str, table: pd.DataFrame | None) -> str:
    """Why a sample has no embedding, as the manifest of the model's slides says; '' if it doesn't.

    A table of given vectors has to have those of every slide that was not set aside before.
    """
    if table is None:
        return ""
    listed = set(task.slides.get(name, ()))
    rows = table[table.slide_id.isin(listed)] if listed else table[table[task.unit] == name]
    if rows.empty or listed - set(rows.slide_id) or {"", "no_vector"} & set(rows.reason):
        return ""
    return "set aside: " + ", ".join(sorted(set(rows.reason)))


def is_unlisted(listed: Sequence[str] | None, embedded: set[str]) -> bool:
    """True for a case with an embedding of slides that the task doesn't list, and none of those it lists."""
    return bool(listed) and not embedded & set(listed or ())


def check_bags(task: Task, used: Mapping[str, str], embedded: set[str], path: str) -> None:
    """Each case's embedding was made of exactly those of its listed slides that have one themselves."""
    wrong = []
    for name in task.samples:
        listed = {slide for slide in task.slides.get(name, ()) if slide in embedded}
        if task.slides.get(name) and used.get(name) and listed != set(used[name].split(";")):
            wrong.append(f"{name} (listed: {', '.join(sorted(listed))}; embedded: {used[name].replace(';', ', ')})")
    if wrong:
        raise BadTask(
            f"{task.name}: the embeddings of {len(wrong)} cases in {path} are of other slides than the task lists: "
            f"{shortened(wrong)}. List all slides of a case, or have the task's files before the run starts"
        )


def check_finite(x: np.ndarray, names: Sequence[str], unit: str, path: str) -> None:
    """No NaN and no infinity, which a solver would turn into a meaningless score. Raises BadTask with the names.

    names: of the samples (`unit`: case_id, slide_id, profile_id) of embeddings x (float N x D); path: their file.
    """
    wrong = [name for name, is_finite in zip(names, are_finite(x), strict=True) if not is_finite]
    if wrong:
        noun = unit.removesuffix("_id")
        subject = f"embedding of 1 {noun} holds" if len(wrong) == 1 else f"embeddings of {len(wrong)} {noun}s hold"
        raise BadTask(
            f"{path}: the {subject} NaN or infinite numbers: {shortened(wrong)}. "
            "Check their features, then embed them again"
        )


def sites_of(task: Task, slides: EmbeddingTable | None) -> dict[str, str]:
    """Site of each sample from the table of slides; of a case with slides of several all of them. Empty if unknown."""
    if slides is None:
        return {}
    sites = dict(zip(slides.ids, slides.columns.get("site", []), strict=False))
    if not any(sites.values()):
        return {}
    by_case: dict[str, list[str]] = {}
    for slide, case in zip(slides.ids, slides.columns.get("case_id", []), strict=False):
        by_case.setdefault(case, []).append(slide)
    site_of = {}
    for name in task.samples:
        members = task.slides.get(name) or by_case.get(name) or [name]
        site_of[name] = "+".join(sorted({sites.get(slide, "") for slide in members} - {""})) or "unknown"
    return site_of
