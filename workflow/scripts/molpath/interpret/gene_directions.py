"""Genes that go with the direction of a probe in the space that slides and expression profiles share.

A trained model puts slides and profiles into one space. The coefficients of a probe that was fitted on slides (or
cases) are a direction there, and each profile has a place along it. Every gene's expression is correlated with that
place over profiles. This was chosen over the gradient through the expression branch: a correlation has a sign, a test
and the same meaning for every branch, and it shows genes that move together, which is what a direction learned from
slides can know. P values are of these profiles: the branch sees the genes, so some correlation is there by making.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats

from ..common.files import open_h5, write_tsv
from ..common.settings.probe import Solvers
from ..probe.embeddings import read_columns, read_embeddings
from ..probe.jobs import cox_for
from ..probe.probes import adaptive_c, fit_cox
from ..probe.results import cox_settings
from ..probe.samples import load_samples
from ..probe.tasks import BadTask, Task, read_task

log = logging.getLogger(__name__)

COLUMNS = ["class", "gene", "r", "p", "padj", "n_profiles", "n_cohorts"]


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
    """Write a row a class and gene, the strongest correlation first.

    slides, cases, profiles: embeddings by one trained model; expression: rna.h5ad of the cohorts. The probe is fitted
    on all labelled samples: nothing is judged by it. r: Pearson's, within cohorts (both sides centred there); padj:
    Benjamini and Hochberg over the genes of a class. Raises BadTask where there is nothing to correlate.
    """
    known, x = load_samples(read_task(task, config, table), slides, cases, bags=bags, missing="skip")
    settings = {**settings, "cox": cox_for(settings["cox"], known, model)}
    directions = directions_of(known, x, settings)
    names, values, cohorts, genes = read_expression(expression)
    ids, vectors = read_embeddings(profiles)
    place = {name: i for i, name in enumerate(ids)}
    there = np.array([name in place for name in names], bool)
    if there.sum() < 4:
        raise BadTask(f"{profiles}: {there.sum()} expression profiles have an embedding; at least 4 are needed")
    vectors = vectors[[place[name] for name in np.asarray(names)[there]]].astype(np.float64)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)  # pretraining compares directions only
    parts = [
        correlate(values[there], vectors @ direction, cohorts[there]).assign(gene=genes, **{"class": label})
        for label, direction in directions.items()
    ]
    write_tsv(output, pd.concat([ranked(part) for part in parts])[COLUMNS])


def directions_of(task: Task, x: np.ndarray, settings: Solvers) -> dict[str, np.ndarray]:
    """Unit vectors (float64 D) by class: towards the second of two classes, towards each of more; survival: risk."""
    if task.is_survival:
        where = np.vstack([np.eye(x.shape[1]), np.zeros((1, x.shape[1]))])
        risk = fit_cox(x, *task.survival, where, cox_settings(settings))  # linear: this reads coefficients
        found = {"risk": risk[:-1] - risk[-1]}
    else:
        found = logistic_directions(task, x, settings)
    for label, direction in found.items():
        if not np.linalg.norm(direction) > 0:
            raise BadTask(f"{task.name}: the probe has no direction for {label}, all its coefficients are 0")
    return {label: direction / np.linalg.norm(direction) for label, direction in found.items()}


def logistic_directions(task: Task, x: np.ndarray, settings: Solvers) -> dict[str, np.ndarray]:
    """Coefficients of the frozen probe's logistic regression, fitted on all samples."""
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    present = np.unique(task.labels)
    if len(present) < 2:
        raise BadTask(f"{task.name}: its samples are of one class only")
    c = settings["C"] or adaptive_c(x.shape[1], len(task.classes))
    with threadpool_limits(1):
        fitted = LogisticRegression(C=c, max_iter=settings["max_iter"], class_weight="balanced", random_state=0)
        fitted.fit(x, task.labels)
    codes = present[1:] if len(present) == 2 else present
    return {task.classes[code]: row for code, row in zip(codes, fitted.coef_.astype(np.float64), strict=True)}


def read_expression(paths: Sequence[str]) -> tuple[list[str], np.ndarray, np.ndarray, list[str]]:
    """Profile ids, X (float32 N x G) over the genes that all tables have, cohort of each profile, genes."""
    tables = []
    for path in paths:
        columns = read_columns(path, ("cohort",))
        with open_h5(path) as handle:
            index = handle["var"][handle["var"].attrs["_index"]][:]
            genes = [name.decode() if isinstance(name, bytes) else str(name) for name in index]
            tables.append((list(columns["_index"]), handle["X"][:], list(columns.get("cohort", [path])), genes))
    shared = [gene for gene in tables[0][3] if all(gene in set(table[3]) for table in tables[1:])]
    if not shared:
        raise BadTask(f"no gene is in all of {', '.join(map(str, paths))}")
    parts = [values[:, pd.Index(genes).get_indexer(shared)] for _, values, _, genes in tables]
    cohorts = np.concatenate([np.resize(np.array(table[2], object), len(table[0])) for table in tables])
    return [name for table in tables for name in table[0]], np.concatenate(parts), cohorts, shared


def correlate(values: np.ndarray, along: np.ndarray, cohorts: np.ndarray) -> pd.DataFrame:
    """Pearson's r of each column of `values` (N x G) with `along` (N), both centred within cohorts, and its P (t test).

    A gene that never varies has no value.
    """
    x, y = values.astype(np.float64), along.astype(np.float64).copy()
    groups = np.unique(cohorts.astype(str))
    for group in groups:
        mine = cohorts.astype(str) == group
        x[mine] -= x[mine].mean(0)
        y[mine] -= y[mine].mean()
    freedom = len(y) - len(groups) - 1
    norms = np.sqrt((x**2).sum(0) * (y**2).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(norms > 1e-9, (y @ x) / norms, np.nan).clip(-1, 1)
        p = 2 * stats.t.sf(np.abs(r) * np.sqrt(freedom / (1 - r**2)), freedom)
    return pd.DataFrame({"r": r, "p": p, "n_profiles": len(y), "n_cohorts": len(groups)})


def ranked(table: pd.DataFrame) -> pd.DataFrame:
    """The table with padj, genes that vary only, the strongest first."""
    table = table[np.isfinite(table.r)].copy()
    table["padj"] = stats.false_discovery_control(table.p) if len(table) else []
    return table.iloc[np.lexsort((table.gene, -table.r.abs()))]
