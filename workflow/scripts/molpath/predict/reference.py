"""Describe the training cases of a predictor, so that new ones can be compared with them."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..common.manifests import read_manifests
from ..common.reasons import OK
from ..embed.bags import Bags
from ..probe.embeddings import EmbeddingTable, read_block
from ..probe.samples import load_samples
from ..probe.tasks import Task, read_task
from .distances import FEWEST, fit_distances
from .doubt import Patches, Reference
from .patch_kinds import CASES, PatchKinds, apart, fit_kinds, projection, sample_rows
from .reasons import COLUMNS, GROUPS, ITEMS, VENDOR, quality_of

log = logging.getLogger(__name__)


def describe(
    x: np.ndarray,
    cases: Sequence[str],
    slides: pd.DataFrame,
    patches: Patches | None = None,
    seed: int = 0,
) -> Reference:
    """The training cases, each measured as if it were new.

    x: float N x D, one row per case; cases: their N names; slides: a row per slide, slide_id, case_id and those of
    the manifests; patches: features (float M x W) of a slide, None where it has none. Of a case's slides one counts,
    drawn by seed, for a new case's slides are compared one by one; all of them are in the bank of patches. Of cases
    with the very same embedding one counts, for each would make the other look near. Raises ValueError for embeddings
    that aren't finite.
    """
    if not np.isfinite(x).all():
        wrong = cases[int(np.flatnonzero(~np.isfinite(x).all(1))[0])]
        raise ValueError(f"the embedding of training case {wrong} holds NaN or infinite numbers: embed it again")
    first: dict[bytes, int] = {}
    for k, row in enumerate(x):
        first.setdefault(hashlib.sha256(row.tobytes()).digest(), k)
    kept = np.array(list(first.values()), int)
    if len(kept) < len(x):
        log.warning(
            "%d of %d training cases have the embedding of another one, and count once", len(x) - len(kept), len(x)
        )
    names = [cases[k] for k in kept]
    table = pd.DataFrame(np.nan, index=range(len(names)), columns=list(ITEMS))
    distances = None
    if len(kept) >= FEWEST:
        distances, table["embedding:near"], table["embedding:far"] = fit_distances(x[kept], seed)
        table["embedding:inside"] = -table["embedding:far"]
    slides = slides[slides["case_id"].isin(set(names))] if len(slides) else slides
    places = {name: k for k, name in enumerate(names)}
    kinds = None
    if len(slides):
        owners = slides["case_id"].map(places).to_numpy()
        drawn = _first_of_each(owners, seed)
        quality = quality_of(slides.iloc[drawn])
        table.loc[owners[drawn], quality.columns] = quality.to_numpy()
        kinds = _add_patches(table, slides["slide_id"].tolist(), owners, drawn, patches, seed) if patches else None
    vendors = slides[VENDOR].value_counts().to_dict() if VENDOR in slides else {}
    facts = {
        "cases": len(names),
        "duplicates": len(x) - len(names),
        "width": int(x.shape[1]),
        "slides": len(slides),
        "seed": seed,
        "vendors": {str(name): int(count) for name, count in vendors.items() if name},
        "known_of_cases": {item: int(count) for item, count in table.notna().sum().items()},
    }
    return Reference(table, distances, kinds, facts)


def _add_patches(
    table: pd.DataFrame, slides: Sequence[str], owners: np.ndarray, drawn: np.ndarray, patches: Patches, seed: int
) -> PatchKinds | None:
    """Fill in what is known of the patches of each case's drawn slide, of CASES drawn cases where there are more."""
    cases = np.unique(owners)
    if len(cases) > CASES:
        cases = np.sort(np.random.default_rng(seed).choice(cases, CASES, replace=False))
    matrix, projected, rows_of_slides = np.zeros((0, 0), np.float32), [], []
    for k, (slide_id, case) in enumerate(zip(slides, owners, strict=True)):
        rows = patches(slide_id) if case in cases else None
        if rows is None or not len(rows):
            continue
        rows = rows[sample_rows(slide_id, len(rows), seed)].astype(np.float32)
        if not np.isfinite(rows).all():
            raise ValueError(f"training slide {slide_id}: its patches hold NaN or infinite numbers: extract them again")
        matrix = matrix if len(matrix) else projection(rows.shape[1], seed)
        projected.append((int(case), rows @ matrix))
        rows_of_slides.append(k)
    if len({case for case, _ in projected}) < 2:
        return None
    kinds, shares, medians = fit_kinds(projected, matrix, seed)
    spread = np.array([apart(rows) for _, rows in projected])
    is_drawn = np.isin(rows_of_slides, drawn)
    of_slides = np.column_stack([shares, medians, spread, -spread])
    table.loc[owners[rows_of_slides][is_drawn], list(GROUPS["patches"])] = of_slides[is_drawn]
    return kinds


def _first_of_each(owners: np.ndarray, seed: int) -> np.ndarray:
    """Rows (int, sorted) of one slide per case, drawn; owners: int S, the case of each slide."""
    order = np.random.default_rng(seed).permutation(len(owners))
    return np.sort(order[np.unique(owners[order], return_index=True)[1]])


# The job.


def describe_training(
    *,
    task: str,
    config: str,
    table: str,
    slides: str,
    cases: str,
    bags: str,
    cohort: str,
    inspected: Sequence[str],
    assessed: Sequence[str],
    manifests: Sequence[str],
    wsi: str,
    settings: Mapping[str, Any],
    tensors: str,
    facts: str,
) -> None:
    """Write the reference of a task's labelled cases in a model's embeddings.

    Arguments as of run_probe; inspected, assessed, manifests: of the slides, their tissue and their features, where the
    model has them. Of a task of slides one slide per case counts, drawn by seed: slides of a case are alike.
    """
    missing = settings.get("missing", "set_aside")
    labelled, x = load_samples(read_task(task, config, table), slides, cases, bags=bags, cohort=cohort, missing=missing)
    chosen = _one_a_case(labelled, settings["seed"])
    names = [labelled.samples[k] for k in chosen]
    members = _slides_of(labelled, names, cases, bags)
    features = Bags(manifests, wsi)
    reference = describe(
        x[chosen], names, quality_rows(members, inspected, assessed), patches_of(features), settings["seed"]
    )
    reference.facts |= {"task": task, "unit": labelled.unit}
    log.info("%s: %d cases, %d slides", task, reference.facts["cases"], reference.facts["slides"])
    reference.save(tensors, facts)


def patches_of(bags: Bags) -> Callable[[str], np.ndarray | None]:
    """Patches of a slide by its id; None where it has none."""
    return lambda slide_id: bags.read(slide_id).features if slide_id in bags else None


def quality_rows(
    members: Mapping[str, Sequence[str]], inspected: Sequence[str], assessed: Sequence[str]
) -> pd.DataFrame:
    """A row for each slide of each case: slide_id, case_id, and what the manifests of both stages say ('': nothing).

    A case of given vectors has no slide among those inspected, whatever its vector was made of.
    """
    rows: dict[str, dict[str, str]] = {}
    for row in [*read_manifests(inspected), *read_manifests(assessed)]:
        rows.setdefault(row["slide_id"], {}).update(row if row["status"] == OK else {})
    names = [column.name for column in COLUMNS] + [VENDOR]
    listed = [(slide, case) for case, slides in members.items() for slide in slides if slide in rows]
    return pd.DataFrame(
        [
            {"slide_id": slide, "case_id": case} | {name: rows.get(slide, {}).get(name, "") for name in names}
            for slide, case in listed
        ],
        columns=["slide_id", "case_id", *names],
    )


def _one_a_case(task: Task, seed: int) -> np.ndarray:
    """Rows of one sample a case, drawn; of a task of cases all."""
    order = np.random.default_rng(seed).permutation(len(task.samples))
    first = {task.cases.get(task.samples[k], task.samples[k]): k for k in order.tolist()[::-1]}
    return np.sort(list(first.values())).astype(int)


def _slides_of(task: Task, names: Sequence[str], cases: str, bags: str) -> dict[str, list[str]]:
    """The slides that each sample's embedding was made of; none where it is of given vectors."""
    if task.unit == "slide_id":
        return {name: [name] for name in names}
    table = EmbeddingTable.read(cases, with_vectors=False)
    used = dict(zip(table.ids, table.columns.get("slides_used", [""] * len(table.ids)), strict=True))
    if bags:
        ids, _, members, _ = read_block(bags)
        used |= dict(zip(ids, members, strict=True))
    return {name: [slide for slide in used.get(name, "").split(";") if slide] for name in names}
