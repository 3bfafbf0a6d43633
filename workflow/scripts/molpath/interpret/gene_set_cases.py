"""Cases whose gene sets are scored in expression and whose slides have an embedding: the support, and the queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..common.files import open_h5
from ..probe.embeddings import EmbeddingTable, as_text
from . import gene_set_reliability as reliability
from .gene_set_files import BadGeneSets
from .gene_set_reliability import FOLDS

#: Support cases that a judgement needs.
FEWEST_CASES = 20


@dataclass(frozen=True)
class Scored:
    """Gene sets with their scores: cases (C), cohort of each, profiles of each case; by set the scores (float64 C x
    1 + R, its own and those of random sets) and the genes of each (1 + R lists)."""

    cases: list[str]
    cohorts: np.ndarray
    profiles: dict[str, str]
    scores: dict[str, np.ndarray]
    genes: dict[str, list[list[str]]]

    @classmethod
    def read(cls, path: str) -> Scored:
        """Read a file of score_gene_sets; a case with several profiles has their mean."""
        with open_h5(path) as handle:
            ids, cases, cohorts = (as_text(handle[name][:]) for name in ("profile_id", "case_id", "cohort"))
            groups = list(handle["sets"].values())
            names = [str(group.attrs["name"]) for group in groups]
            tables = [pd.DataFrame(group["scores"][:]).groupby(cases, sort=True).mean() for group in groups]
            genes = [json.loads(as_text(np.array([group["genes"][()]], object))[0]) for group in groups]
        cohort_of = dict(zip(reversed(cases), reversed(cohorts), strict=True))
        order = [str(case) for case in tables[0].index]
        scores = {name: table.to_numpy() for name, table in zip(names, tables, strict=True)}
        case_of = dict(zip(ids, cases, strict=True))
        return cls(
            order, np.array([cohort_of[case] for case in order]), case_of, scores, dict(zip(names, genes, strict=True))
        )


@dataclass(frozen=True)
class Support:
    """Cases with a profile and an embedding: x (float64 N x D, scaled), y (N x S) and random (N x S x R), z-scores
    within cohorts; fold of each."""

    cases: list[str]
    cohorts: np.ndarray
    x: np.ndarray
    y: np.ndarray
    random: np.ndarray
    folds: np.ndarray

    def fold_of(self, cases: Sequence[str]) -> np.ndarray:
        """Fold of each case, FOLDS of those that aren't in the support."""
        fold_by_case = dict(zip(self.cases, self.folds.tolist(), strict=True))
        return np.array([fold_by_case.get(case, FOLDS) for case in cases], int)


def take_cases(scored: Scored, table: EmbeddingTable, cohorts: Sequence[str], seed: int) -> tuple[Support, Support]:
    """The support (of those cohorts), and all other cases with profile and embedding. Raises BadGeneSets where the
    support is small."""
    row_of = {case: i for i, case in enumerate(table.ids)}
    has_embedding = np.array([case in row_of for case in scored.cases], bool)
    in_support = has_embedding & np.isin(scored.cohorts, list(cohorts))
    if in_support.sum() < FEWEST_CASES:
        raise BadGeneSets(
            f"{in_support.sum()} cases of {', '.join(cohorts)} have a profile and an embedding in {table.path}, and "
            f"{FEWEST_CASES} are needed to judge a gene set: name more cohorts in probe/gene_sets/support"
        )

    def subset(chosen: np.ndarray) -> Support:
        rows = np.flatnonzero(chosen)
        cases = [scored.cases[i] for i in rows]
        x = reliability.scaled(table.vectors[[row_of[case] for case in cases]])
        groups = scored.cohorts[rows]
        z_scores = np.stack(
            [reliability.within_cohorts(scores[rows], groups) for scores in scored.scores.values()], axis=1
        )
        return Support(cases, groups, x, z_scores[..., 0], z_scores[..., 1:], reliability.folds_of(len(rows), seed))

    return subset(in_support), subset(has_embedding & ~in_support)
