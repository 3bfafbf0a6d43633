"""Leakage between pretraining and test sides: cases, copies of a slide, nearly identical profiles."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from ..common.digests import digest_of
from ..common.files import open_h5, read_tsv

LEAK_COLUMNS = ["case_id", "run", "task", "fold", "side", "action", "detail"]
#: Genes that two profiles are compared by: those that vary most within their cohort.
COMPARED_GENES = 2000
#: Smaller cohorts have no reliable mean: only equal values are detected in them.
FEWEST = 8
BLOCK = 1024


class Leakage(Exception):
    """A case that a run trains on is on the test side of a task."""


@dataclass(frozen=True)
class Twin:
    """Two profiles of different cases that are the same measurement."""

    case: str
    profile: str
    other_case: str
    other_profile: str
    correlation: float

    def row(self) -> dict[str, str]:
        """The row of leakage.tsv: one of the two is mislabelled, whatever its use."""
        relation = "equals" if self.correlation >= 1 else f"correlates {self.correlation:.4f} with"
        detail = f"expression profile {self.profile} {relation} {self.other_profile} of case {self.other_case}"
        return dict(zip(LEAK_COLUMNS, (self.case, "", "", "", "", "listed", detail), strict=True))


def find_twins(tables: Sequence[str], threshold: float) -> list[Twin]:
    """Expression profiles of two cases, of any cohorts, that are equal to two decimals or correlate from threshold on.

    Compared by the genes that all tables have and that vary most within them. Values are centred gene by gene within
    their cohort, because any two profiles of one tissue correlate; a cohort of a few profiles is compared for
    equality only. Memory: 2,000 numbers per profile, however many genes the tables have.
    """
    spreads = {path: deviations for path in tables if (deviations := gene_spread(path)) is not None}
    shared = sorted(set.intersection(*(set(deviations.index) for deviations in spreads.values()))) if spreads else []
    if not shared:
        return []
    total = sum(deviations[shared] for deviations in spreads.values())
    genes = sorted(total.sort_values(ascending=False, kind="stable").index[:COMPARED_GENES])
    expression = [read_expression(path, genes) for path in spreads]
    cases = np.concatenate([obs.case.to_numpy(str) for _, obs in expression])
    profiles = np.concatenate([obs.index.to_numpy(str) for _, obs in expression])
    correlation_of = {pair: 1.0 for pair in equal_rows(np.round(np.vstack([values for values, _ in expression]), 2))}
    for i, j, r in correlated_rows(np.vstack([centre(values) for values, _ in expression]), threshold):
        correlation_of.setdefault((i, j), min(r, 0.9999))
    return [
        Twin(cases[j], profiles[j], cases[i], profiles[i], correlation_of[i, j])
        for i, j in sorted(correlation_of, key=lambda pair: (pair[1], pair[0]))
        if cases[i] != cases[j]
    ]


def gene_spread(path: str) -> pd.Series | None:
    """Standard deviation of each gene of a table of expression, read block by block; None for flags."""
    data = anndata.read_h5ad(path, backed="r")
    names, is_flags = data.var_names.astype(str), data.uns["value"] == "flags"
    data.file.close()
    if is_flags:
        return None
    with open_h5(path) as handle:
        values = handle["X"]
        sums = squares = 0.0
        for start in range(0, len(values), BLOCK // 4):
            block = np.nan_to_num(values[start : start + BLOCK // 4].astype(float))
            sums, squares = sums + block.sum(0), squares + (block**2).sum(0)
        variance = squares / len(values) - (sums / len(values)) ** 2
    return pd.Series(np.sqrt(np.maximum(variance, 0)).round(6), names)


def read_expression(path: str, genes: Sequence[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Values (float32, profiles x genes) and the cases of the profiles."""
    data = anndata.read_h5ad(path, backed="r")
    positions = data.var_names.get_indexer(genes)
    obs = pd.DataFrame({"case": data.obs.case_id.astype(str)}, data.obs_names)
    data.file.close()
    with open_h5(path) as handle:
        rows = range(0, len(handle["X"]), BLOCK // 4)
        values = [handle["X"][start : start + BLOCK // 4][:, positions] for start in rows]
    return np.concatenate(values).astype(np.float32), obs


def centre(values: np.ndarray) -> np.ndarray:
    """Rows of unit length after subtracting the cohort's mean of each gene; zeros for a small cohort."""
    if len(values) < FEWEST:
        return np.zeros(values.shape, np.float32)
    values = values.astype(float)
    values = np.nan_to_num(values - np.nanmean(values, 0))
    values -= values.mean(1, keepdims=True)
    return (values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def equal_rows(values: np.ndarray) -> list[tuple[int, int]]:
    """Each duplicate row, with the first of its kind."""
    first: dict[bytes, int] = {}
    pairs = ((first.setdefault(row.tobytes(), index), index) for index, row in enumerate(values + 0.0))
    return [(i, j) for i, j in pairs if i != j]


def correlated_rows(rows: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    """(i, j, correlation) of all i < j that reach the threshold, block by block."""
    pairs = []
    for start in range(0, len(rows), BLOCK):
        products = rows[start : start + BLOCK] @ rows[start:].T
        for i, j in np.argwhere(products >= threshold):
            if j > i:
                pairs.append((start + int(i), start + int(j), float(products[i, j])))
    return pairs


def same_patients(slides: pd.DataFrame, twins: Sequence[Twin]) -> dict[str, dict[str, str]]:
    """Different case ids of one patient: case -> {other case: how}."""
    case_of = dict(zip(slides.slide_id, slides.case_id, strict=True))
    same_case: dict[str, dict[str, str]] = {}
    for slide, original in zip(slides.slide_id, slides.duplicate_of, strict=True):
        if original and case_of[slide] != case_of[original]:
            same_case.setdefault(case_of[slide], {})[case_of[original]] = "the same slide"
            same_case.setdefault(case_of[original], {})[case_of[slide]] = "the same slide"
    for twin in twins:
        same_case.setdefault(twin.case, {}).setdefault(twin.other_case, "the same expression profile")
        same_case.setdefault(twin.other_case, {}).setdefault(twin.case, "the same expression profile")
    return same_case


def find_leaks(
    paired: pd.DataFrame,
    same_case: Mapping[str, Mapping[str, str]],
    splits: Mapping[str, str],
    runs: Mapping[str, Mapping[str, Sequence[str]]],
    allow: Sequence[str] = (),
    whole: Sequence[str] = (),
    finished: Mapping[str, set[str]] | None = None,
) -> list[dict[str, str]]:
    """Cases a run trains on, directly or under another id, and their sides of folds.

    runs: cohorts and modalities that each run trains on; finished: cases that runs of other studies trained on. whole:
    tasks of which every case is tested, whatever their folds say (test sides of transfers, queries of prompts). action:
    error on a test side, allowed if the case is named in `allow`, listed on a training side.
    """
    leaks = []
    for run, trained in {**trained_by(paired, runs), **(finished or {})}.items():
        for task, path in splits.items():
            table = read_tsv(path)
            if task in whole:
                table["all"] = "test"
            folds = ["all"] if task in whole else [name for name in table if "fold_" in name]
            for row in table.drop_duplicates(["case_id", *folds]).to_dict("records"):
                detail = why_leaks(row["case_id"], run, trained, same_case)
                for fold in folds if detail else []:
                    if row[fold] in ("train", "test"):
                        action = "listed" if row[fold] == "train" else "error"
                        action = "allowed" if action == "error" and row["case_id"] in allow else action
                        values = (row["case_id"], run, task, fold, row[fold], action, detail)
                        leaks.append(dict(zip(LEAK_COLUMNS, values, strict=True)))
    return leaks


def trained_by(paired: pd.DataFrame, runs: Mapping[str, Mapping[str, Sequence[str]]]) -> dict[str, set[str]]:
    """Cases that each run of this study trains on, by its cohorts and modalities."""
    cases_of = {}
    for run, inputs in runs.items():
        is_read = paired.cohort.isin(inputs["cohorts"]) & paired.modality.isin(inputs["modalities"])
        cases_of[run] = set(paired.case_id[(paired.status == "paired") & is_read])
    return cases_of


def trained_elsewhere(configs: Mapping[str, str], cases: Iterable[str]) -> dict[str, set[str]]:
    """Those of `cases` that each finished run trained on, by the digests in its config.json (configs: by name)."""
    by_digest = {digest_of(case): case for case in cases}
    digests = {name: json.loads(Path(path).read_text(encoding="utf-8"))["cases"] for name, path in configs.items()}
    return {
        name: {by_digest[digest] for digest in run_digests if digest in by_digest}
        for name, run_digests in digests.items()
    }


def why_leaks(case: str, run: str, trained: set[str], same_case: Mapping[str, Mapping[str, str]]) -> str:
    """How a case is in a run's training, '' if it isn't."""
    if case in trained:
        return f"run {run} trains on it"
    return next(
        (
            f"run {run} trains on {other_case}, {relation}"
            for other_case, relation in same_case.get(case, {}).items()
            if other_case in trained
        ),
        "",
    )
