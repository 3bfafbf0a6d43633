"""Single-sample scores of gene sets in expression profiles (ssGSEA, by gseapy), and those of random sets beside them.

ssGSEA (Barbie et al., Nature 2009) looks at ranks within a profile, so that a set's score doesn't rise with all genes.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import h5py
import numpy as np
import pandas as pd

from ..common.files import new_h5, open_h5, write_tsv
from ..omics.genes import GeneTable
from ..omics.sample_types import stands_for_its_case
from ..probe.embeddings import as_text, read_columns
from .gene_set_files import BadGeneSets, GeneSet, measured, random_sets, read_sets

log = logging.getLogger(__name__)

#: Exponent of the ranks in ssGSEA, and how many scores it gives at once (a table of words, some 150 bytes each).
WEIGHT, AT_ONCE = 0.25, 200_000


@dataclass(frozen=True)
class Expression:
    """Profiles of several cohorts: id, cohort and case of each, values (float32 N x G) of the genes that all have."""

    profiles: list[str]
    cohorts: np.ndarray
    cases: np.ndarray
    values: np.ndarray
    genes: list[str]


def score_gene_sets(
    *,
    files: Sequence[str],
    tables: Sequence[str],
    genes: str,
    names: Sequence[str],
    fewest: int,
    random: int,
    seed: int,
    support: Sequence[str],
    scores: str,
    listing: str,
) -> None:
    """Write scores of sets and of random sets (HDF5, see write_scores), and what each set holds (TSV).

    files: .gmt; tables: rna.h5ad of the cohorts; genes: table of genes, for identifiers; names: of the sets wanted,
    all where there are none; fewest: genes that must have been measured; random: sets of the same size and expression
    for each, scored in profiles of the cohorts `support` alone. Raises BadGeneSets where the files are no gene sets, or
    none of them can be scored.
    """
    known = GeneTable(genes)
    expression = read_profiles(tables)
    sets = [measured(one, expression.genes, known, fewest) for one in read_sets(files, names)]
    write_tsv(listing, pd.DataFrame([row_of(one) for one in sets]))
    for one in sets:
        log.log(logging.WARNING if one.aside else logging.INFO, "%s: %s", one.name, one.aside or one.notes or "whole")
    usable = [one for one in sets if not one.aside]
    if not usable:
        raise BadGeneSets(
            f"no set of {', '.join(map(str, files))} can be scored: {sets[0].name}: {sets[0].aside}; "
            "lower gene_sets/min_genes, or give sets of genes that were measured"
        )
    means = expression.values.mean(0, dtype=np.float64)
    drawn = {
        one.name: random_sets(one.genes, expression.genes, means, random, seed + number)
        for number, one in enumerate(usable)
    }
    write_scores(scores, expression, usable, drawn, support)


def row_of(one: GeneSet) -> dict[str, object]:
    """A line of the listing."""
    facts = {"set": one.name, "file": one.file, "n_given": len(one.given), "n_measured": len(one.genes)}
    return facts | {"status": "set aside" if one.aside else "scored", "detail": one.aside or "; ".join(one.notes)}


def read_profiles(paths: Sequence[str]) -> Expression:
    """Tumour profiles (normal tissue only of cases without others) over the genes that no profile lacks."""
    parts = []
    for path in paths:
        columns = read_columns(path, ("cohort", "case_id", "sample_type"))
        with open_h5(path) as handle:
            index = handle["var"][handle["var"].attrs["_index"]][:]
            values = handle["X"][:].astype(np.float32)
        genes = np.array(as_text(index), object)
        whole = np.isfinite(values).all(0)
        kept = stands_for_its_case(columns["case_id"], columns.get("sample_type", [""] * len(values)))
        rows = [np.array(columns[name], object)[kept] for name in ("_index", "cohort", "case_id")]
        parts.append((rows, values[kept][:, whole], genes[whole]))
    shared = [gene for gene in parts[0][2] if all(gene in set(part[2]) for part in parts[1:])]
    if not shared:
        raise BadGeneSets(f"no gene is in all of {', '.join(map(str, paths))}: name fewer cohorts in gene_sets/support")
    values = np.concatenate([part[1][:, pd.Index(part[2]).get_indexer(shared)] for part in parts])
    ids, cohorts, cases = (np.concatenate([part[0][i] for part in parts]) for i in range(3))
    return Expression([str(name) for name in ids], cohorts, cases, values, shared)


def ssgsea(values: np.ndarray, genes: Sequence[str], sets: Sequence[Sequence[str]]) -> np.ndarray:
    """Scores (float64 N x S) of sets in profiles (N x G): ssGSEA's enrichment score over G, so that sizes compare."""
    import gseapy

    step = max(1, AT_ONCE // max(len(values), 1))
    frame = pd.DataFrame(values.T.astype(np.float64), index=list(genes), columns=[str(i) for i in range(len(values))])
    parts = []
    for first in range(0, len(sets), step):
        named = {str(i): list(one) for i, one in enumerate(sets[first : first + step])}
        found = gseapy.ssgsea(
            data=frame, gene_sets=named, outdir=None, sample_norm_method="rank", correl_norm_type="rank",
            weight=WEIGHT, min_size=1, max_size=len(genes), no_plot=True, threads=1, verbose=False,
        ).res2d  # fmt: skip
        wide = found.pivot(index="Name", columns="Term", values="ES").astype(np.float64)
        parts.append(wide.reindex(index=frame.columns, columns=list(named)).to_numpy())
    return np.concatenate(parts, axis=1) / len(genes)


def write_scores(
    path: str,
    expression: Expression,
    sets: Iterable[GeneSet],
    drawn: dict[str, list[tuple[str, ...]]],
    support: Sequence[str],
) -> None:
    """`profile_id`, `case_id`, `cohort` (N); below `sets` a numbered group a set, with its `name`, `scores` (float64
    N x 1 + R: its own, then those of random sets, nan outside the support) and `genes` (JSON: 1 + R lists)."""
    asked = np.isin(expression.cohorts.astype(str), list(support))
    words = h5py.string_dtype()
    with new_h5(path) as handle:
        ids: dict[str, Iterable[object]] = {
            "profile_id": expression.profiles,
            "case_id": expression.cases,
            "cohort": expression.cohorts,
        }
        for name, values in ids.items():
            handle.create_dataset(name, data=[str(value) for value in values], dtype=words)
        for number, one in enumerate(sets):
            members = [one.genes, *drawn[one.name]]
            group = handle.create_group(f"sets/{number:06d}")  # a name is no path
            group.attrs["name"] = one.name
            own = ssgsea(expression.values, expression.genes, members[:1])
            beside = np.full((len(own), len(members) - 1), np.nan)
            if beside.shape[1] and asked.any():
                beside[asked] = ssgsea(expression.values[asked], expression.genes, members[1:])
            group["scores"] = np.concatenate([own, beside], axis=1)
            group["genes"] = json.dumps(members)
