"""Genes correlated with the direction of a probe in the space that slides and expression profiles share.

A trained model puts slides and profiles into one space. The coefficients of a probe that was fitted on slides (or
cases) are a direction there, and each profile has a place along it. Every gene's expression is correlated with that
place over profiles. This was chosen over the gradient through the expression branch: a correlation has a sign, a test
and the same meaning for every branch, and it shows genes that move together, which is what a direction learned from
slides can know.

The branch sees the genes, so that most genes go with *any* direction of the space, and a test against independence
finds as many with shuffled labels. P are therefore those of directions of shuffled labels: the same probe, fitted on
labels (or times with events) that cases of a cohort have exchanged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from ..common.files import open_h5, write_tsv
from ..common.settings.probe import Solvers
from ..probe.cox import rotate
from ..probe.embeddings import as_text, read_columns, read_embeddings
from ..probe.jobs import cox_for
from ..probe.permuting import shuffled
from ..probe.probes import ProbeFailed, adaptive_c, fit_cox, one_thread, unit_of
from ..probe.results import cox_settings
from ..probe.samples import check_finite, load_samples
from ..probe.tasks import BadTask, Task, read_task

log = logging.getLogger(__name__)

COLUMNS = ["class", "gene", "r", "z", "p", "padj", "n_permutations", "n_failed", "n_profiles", "n_cohorts"]
#: Directions of shuffled labels; P is never below 1 / (1 + PERMUTATIONS).
PERMUTATIONS = 199
#: Seed of the shuffles.
SEED = 0


def write_directions(
    *,
    task: str,
    config: str,
    table: str,
    slides: str,
    cases: str,
    profiles: str,
    expression: Sequence[str],
    settings: Solvers,
    output: str,
    bags: str = "",
    model: str = "",
) -> None:
    """Write a row per class and gene, the strongest beside its null first.

    slides, cases, profiles: embeddings by one trained model; expression: rna.h5ad of the cohorts. The probe is fitted
    on all labelled samples. r: Pearson's, within cohorts (both sides centred there); z, p and padj: beside directions
    of labels shuffled over cases within their cohort, as `beside_null` has them. Raises BadTask where there is nothing
    to correlate.
    """
    labelled, x = load_samples(read_task(task, config, table), slides, cases, bags=bags, missing="skip")
    settings = {**settings, "cox": cox_for(settings["cox"], labelled, model)}
    directions = directions_of(labelled, x, settings)
    names, values, cohorts, genes, of_case = read_expression(expression)
    has_embedding, vectors = placed(profiles, names)
    null, failed = shuffled_directions(labelled, x, settings, strata_of(labelled, of_case))
    r = {}
    for label, direction in directions.items():
        all_directions = np.stack([direction, *(permutation[label] for permutation in null)], axis=1)
        r[label] = correlate(values[has_embedding], vectors @ all_directions, cohorts[has_embedding])
    counts = {"n_permutations": len(null) + failed, "n_failed": failed}
    counts |= {"n_profiles": int(has_embedding.sum()), "n_cohorts": len(set(cohorts[has_embedding]))}
    correlations = beside_null(r, failed)
    frames = [ranked(frame.assign(gene=genes, **{"class": label}, **counts)) for label, frame in correlations.items()]
    write_tsv(output, pd.concat(frames)[COLUMNS])


def placed(profiles: str, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Which expression profiles have an embedding (bool N), and those embeddings (float64 M x D) of length 1.

    Raises BadTask where there are too few to correlate.
    """
    _, vectors = read_embeddings(profiles)
    profile_columns = read_columns(profiles, ("profile_id", "modality"))
    pairs = zip(profile_columns["profile_id"], profile_columns["modality"], strict=True)
    # Mutations of a sample may have the profile_id of its expression.
    row_of = {name: i for i, (name, modality) in enumerate(pairs) if modality == "rna"}
    has_embedding = np.array([name in row_of for name in names], bool)
    if has_embedding.sum() < 4:
        raise BadTask(f"{profiles}: {has_embedding.sum()} expression profiles have an embedding; at least 4 are needed")
    chosen_names = np.asarray(names)[has_embedding]
    chosen = vectors[[row_of[name] for name in chosen_names]].astype(np.float64)
    check_finite(chosen, chosen_names, "profile_id", profiles)
    chosen /= np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-12)  # pretraining compares directions only
    return has_embedding, chosen


def strata_of(task: Task, cohorts: Mapping[str, str]) -> dict[str, str]:
    """By case of a task, within what labels are exchanged: its profile's cohort (of `cohorts`).

    Where the task's profiles are of one cohort, or it has none, all of its cases are one stratum. Else the cohort
    of a case without a profile is unknown; it keeps its label, which makes P larger, never smaller.
    """
    cases = [task.cases.get(name, name) for name in task.samples]
    known_cohorts = {cohorts[case] for case in cases if case in cohorts}
    if len(known_cohorts) < 2:
        return dict.fromkeys(cases, "")
    without_cohort = sorted({case for case in cases if case not in cohorts})
    if without_cohort:
        log.warning(
            "%s: %d cases have no profile, so no known cohort; they keep their labels", task.name, len(without_cohort)
        )
    return {case: cohorts.get(case, f"alone: {case}") for case in cases}


def directions_of(task: Task, x: np.ndarray, settings: Solvers) -> dict[str, np.ndarray]:
    """Unit vectors (float64 D) by class: towards the second of two classes, towards each of more; survival: risk."""
    vectors = coefficients(task, x, settings)
    for label, direction in vectors.items():
        if not np.linalg.norm(direction) > 0:
            raise BadTask(f"{task.name}: the probe has no direction for {label}, all its coefficients are 0")
    return {label: direction / np.linalg.norm(direction) for label, direction in vectors.items()}


def shuffled_directions(
    task: Task, x: np.ndarray, settings: Solvers, strata: Mapping[str, str]
) -> tuple[list[dict[str, np.ndarray]], int]:
    """Coefficients by class of probes whose labels, or times, cases of a stratum have exchanged; how many failed.

    strata: by case. PERMUTATIONS together; one whose coefficients are all 0 goes along with no gene.
    """
    permuted, failed = [], 0
    for repeat in range(PERMUTATIONS):
        order = shuffled(task, SEED, repeat, strata)
        if task.is_survival:
            times, events = task.survival
            shuffled_task = replace(task, times=times[order], events=events[order])
        else:
            shuffled_task = replace(task, labels=task.labels[order])
        try:
            permuted.append(coefficients(shuffled_task, x, settings))
        except ProbeFailed as error:
            log.debug("%s, permutation %d: %s", task.name, repeat, error)
            failed += 1
    return permuted, failed


def coefficients(task: Task, x: np.ndarray, settings: Solvers) -> dict[str, np.ndarray]:
    """Coefficients (float64 D) of a probe on all samples, scaled as the settings ask, by class (see directions_of)."""
    x = x / unit_of(x, settings.get("scale", "none"))
    if task.is_survival:
        axes = np.vstack([np.eye(x.shape[1]), np.zeros((1, x.shape[1]))])
        risk = fit_cox(x, *task.survival, axes, cox_settings(settings))  # linear: this reads coefficients
        return {"risk": risk[:-1] - risk[-1]}
    return logistic_directions(task, x, settings)


def logistic_directions(task: Task, x: np.ndarray, settings: Solvers) -> dict[str, np.ndarray]:
    """Coefficients of the frozen probe's logistic regression, fitted on all samples (in the space that they span)."""
    from sklearn.linear_model import LogisticRegression

    present = np.unique(task.labels)
    if len(present) < 2:
        raise BadTask(f"{task.name}: its samples are of one class only")
    c = settings["C"] or adaptive_c(x.shape[1], len(task.classes))
    _, basis, rotated = rotate(x.astype(np.float64))
    with one_thread():
        fitted = LogisticRegression(C=c, max_iter=settings["max_iter"], class_weight="balanced", random_state=0)
        fitted.fit(rotated, task.labels)
    codes = present[1:] if len(present) == 2 else present
    return {task.classes[code]: row for code, row in zip(codes, fitted.coef_ @ basis.T, strict=True)}


def read_expression(
    paths: Sequence[str],
) -> tuple[list[str], np.ndarray, np.ndarray, list[str], dict[str, str]]:
    """Profile ids, X (float32 N x G) over the genes that all tables have, cohort of each, genes; cohort by case."""
    tables = []
    of_case: dict[str, str] = {}
    for path in paths:
        columns = read_columns(path, ("cohort", "case_id"))
        with open_h5(path) as handle:
            index = handle["var"][handle["var"].attrs["_index"]][:]
            genes = as_text(index)
            tables.append((list(columns["_index"]), handle["X"][:], list(columns.get("cohort", [path])), genes))
        case_ids = columns.get("case_id", [])
        of_case |= dict(zip(case_ids, np.resize(np.array(tables[-1][2], object), len(case_ids)), strict=True))
    shared = [gene for gene in tables[0][3] if all(gene in set(table[3]) for table in tables[1:])]
    if not shared:
        raise BadTask(f"no gene is in all of {', '.join(map(str, paths))}")
    matrices = [values[:, pd.Index(genes).get_indexer(shared)] for _, values, _, genes in tables]
    cohorts = np.concatenate([np.resize(np.array(table[2], object), len(table[0])) for table in tables])
    return [name for table in tables for name in table[0]], np.concatenate(matrices), cohorts, shared, of_case


def correlate(values: np.ndarray, projections: np.ndarray, cohorts: np.ndarray) -> np.ndarray:
    """Pearson's r (float G x K) of columns of `values` (N x G) and `projections` (N x K), both centred within cohorts.

    nan for a gene that never varies, 0 along a direction that nothing varies along.
    """
    x, y = values.astype(np.float64), projections.astype(np.float64).copy()
    for group in np.unique(cohorts.astype(str)):
        in_cohort = cohorts.astype(str) == group
        x[in_cohort] -= x[in_cohort].mean(0)
        y[in_cohort] -= y[in_cohort].mean(0)
    genes, directions = np.linalg.norm(x, axis=0), np.linalg.norm(y, axis=0)
    x[:, genes <= 1e-9] = np.nan
    y[:, directions <= 1e-12] = 0
    with np.errstate(invalid="ignore"):
        return ((x / genes).T @ (y / np.maximum(directions, 1e-12))).clip(-1, 1)


def beside_null(r: Mapping[str, np.ndarray], failed: int = 0) -> dict[str, pd.DataFrame]:
    """Columns r, z, p, padj of genes by class: the first column of r (float G x 1 + K) beside K of shuffled labels.

    z: Fisher's transform of r over its spread in all columns. p: share of directions along which the gene's |r| is as
    large. padj: share of permutations in which *any* gene's |z| is as large along the direction of *any* class
    (Westfall and Young), so that 5 % of probes of nothing have a gene below 0.05, however genes go together.
    Both count the direction itself, and the permutations whose probe failed as if they had reached it.
    """
    tables, heights = {}, {}
    for label, all_r in r.items():
        is_finite = np.isfinite(all_r).all(1)
        tables[label] = pd.DataFrame(np.nan, index=range(len(all_r)), columns=["r", "z", "p", "padj"])
        tables[label]["r"] = all_r[:, 0]
        stretched = np.arctanh(np.abs(all_r[is_finite]).clip(max=1 - 1e-9))
        heights[label] = stretched / np.maximum(np.sqrt((stretched**2).mean(1, keepdims=True)), 1e-12)
        tables[label].loc[is_finite, "z"] = np.copysign(heights[label][:, 0], all_r[is_finite, 0])
    highest = np.max([z.max(0, initial=0) for z in heights.values()], axis=0)
    count = len(highest) + failed
    for label, z in heights.items():
        is_finite = tables[label].z.notna()
        tables[label].loc[is_finite, "p"] = ((z >= z[:, :1] - 1e-12).sum(1) + failed) / count
        tables[label].loc[is_finite, "padj"] = ((highest >= z[:, :1] - 1e-12).sum(1) + failed) / count
    return tables


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """Only genes that vary, the strongest compared with its null first."""
    table = table[np.isfinite(table.r)]
    return table.iloc[np.lexsort((table.gene, -table.r.abs(), -table.z.abs()))]
