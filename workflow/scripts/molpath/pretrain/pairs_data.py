"""The pairs of a run: slides with the rows of their profiles, and a part of them for studies of scale."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import anndata
import numpy as np

from ..common.files import read_tsv
from .parts import sample_evenly
from .store import PatchStore

log = logging.getLogger(__name__)


class UnfitProfiles(Exception):
    """Profiles a run can't train on."""


@dataclass
class Example:
    """One slide with the rows of its profiles (-1 where it has none of a kind)."""

    slide_id: str
    case: int
    rna: int = -1
    dna: int = -1


@dataclass
class PairedData:
    """All examples of a run, its patches, and its profiles as arrays in memory."""

    examples: list[Example]
    store: PatchStore
    rna_values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    rna_tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    flags: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def read_tables(paths: Sequence[str]) -> anndata.AnnData | None:
    """Tables of several cohorts below each other, (chosen) genes that all of them have; None if there are none."""
    tables = [chosen_genes(anndata.read_h5ad(path)) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if table.uns["value"] == "zscore":
            raise UnfitProfiles(f"{path} holds z-scores, scaled over their own cohort; give counts or TPM")
    if not tables:
        return None
    values = {str(table.uns["value"]) for table in tables}
    if len(values) > 1:
        raise UnfitProfiles(f"{', '.join(paths)} hold {' and '.join(sorted(values))}; a run needs one kind of value")
    join = "outer" if tables[0].uns["value"] == "flags" else "inner"
    table = anndata.concat(tables, join=join, fill_value=0) if len(tables) > 1 else tables[0]
    if "observed" in table.layers and (missing := 1 - np.mean(table.layers["observed"])):
        log.warning(
            "%.1f %% of the DNA flags were not observed (off a panel); the DNA branch takes them as 0", 100 * missing
        )
    return table


def chosen_genes(table: anndata.AnnData) -> anndata.AnnData:
    """The genes that the config selects (omics/select), all where it selects none."""
    return table[:, table.var["selected"].to_numpy(bool)].copy() if "selected" in table.var else table


def gather(
    pairs: str, store: PatchStore, cohorts: Sequence[str], rna, dna, fraction: float = 1.0, organs=None
) -> list[Example]:
    """Examples of the cohorts in the order of pairs.tsv: one a slide, one more for each further profile of a kind.

    fraction: share of each cohort's slides, taken evenly over their `organs` (organ of each slide id).
    """
    table = read_tsv(pairs)
    table = table[(table.status == "paired") & table.cohort.isin(cohorts) & table.slide_id.isin(store.place)]
    if fraction < 1:
        chosen = set()
        for _, group in table.groupby("cohort", sort=False):
            chosen |= sample_evenly(dict.fromkeys(group.slide_id), organs or {}, fraction)
        table = table[table.slide_id.isin(chosen)]
    rows = {
        "rna": {} if rna is None else {name: i for i, name in enumerate(rna.obs_names)},
        "dna": {} if dna is None else {name: i for i, name in enumerate(dna.obs_names)},
    }
    cases = {case: i for i, case in enumerate(dict.fromkeys(table.case_id))}
    examples: list[Example] = []
    for (slide_id, case_id), group in table.groupby(["slide_id", "case_id"], sort=False):
        found = {
            kind: [rows[kind][p] for p in group.profile_id[group.modality == kind] if p in rows[kind]] for kind in rows
        }
        for index in range(max(len(found["rna"]), len(found["dna"]))):
            one = {kind: positions[index] if index < len(positions) else -1 for kind, positions in found.items()}
            examples.append(Example(slide_id, cases[case_id], **one))
    if len(examples) < 2:
        raise UnfitProfiles("fewer than two slides are paired with a profile of these cohorts; see omics/pairs.tsv")
    return examples
