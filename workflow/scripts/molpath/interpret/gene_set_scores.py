"""Single-sample scores of gene sets in expression profiles (ssGSEA, by gseapy), and those of random sets.

ssGSEA (Barbie et al., Nature 2009) uses ranks within a profile, so that a set's score doesn't rise with all genes.
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

    files: .gmt; tables: rna.h5ad of the cohorts; genes: table of genes, for identifiers; names: of the requested sets,
    all if empty; fewest: genes that must have been measured; random: sets of the same size and expression for each,
    scored in profiles of the cohorts `support` alone. Raises BadGeneSets for invalid files, and where no set can be
    scored.
    """
    gene_table = GeneTable(genes)
    expression = read_profiles(tables)
    sets = [measured(gene_set, expression.genes, gene_table, fewest) for gene_set in read_sets(files, names)]
    write_tsv(listing, pd.DataFrame([row_of(gene_set) for gene_set in sets]))
    for gene_set in sets:
        log.log(
            logging.WARNING if gene_set.aside else logging.INFO,
            "%s: %s",
            gene_set.name,
            gene_set.aside or "; ".join(gene_set.notes) or "all genes measured",
        )
    scorable = [gene_set for gene_set in sets if not gene_set.aside]
    if not scorable:
        raise BadGeneSets(
            f"no set of {', '.join(map(str, files))} can be scored: {sets[0].name}: {sets[0].aside}; "
            "lower gene_sets/min_genes, or give sets of genes that were measured"
        )
    means = expression.values.mean(0, dtype=np.float64)
    random_genes = {
        gene_set.name: random_sets(gene_set.genes, expression.genes, means, random, seed + number)
        for number, gene_set in enumerate(scorable)
    }
    write_scores(scores, expression, scorable, random_genes, support)


def row_of(gene_set: GeneSet) -> dict[str, object]:
    """A line of the listing."""
    columns = {
        "set": gene_set.name,
        "file": gene_set.file,
        "n_given": len(gene_set.given),
        "n_measured": len(gene_set.genes),
    }
    return columns | {
        "status": "set aside" if gene_set.aside else "scored",
        "detail": gene_set.aside or "; ".join(gene_set.notes),
    }


def read_profiles(paths: Sequence[str]) -> Expression:
    """Tumour profiles (normal tissue only of cases without others) over the genes that no profile lacks."""
    tables = []
    for path in paths:
        columns = read_columns(path, ("cohort", "case_id", "sample_type"))
        with open_h5(path) as handle:
            index = handle["var"][handle["var"].attrs["_index"]][:]
            values = handle["X"][:].astype(np.float32)
        genes = np.array(as_text(index), object)
        complete = np.isfinite(values).all(0)
        is_kept = stands_for_its_case(columns["case_id"], columns.get("sample_type", [""] * len(values)))
        rows = [np.array(columns[name], object)[is_kept] for name in ("_index", "cohort", "case_id")]
        tables.append((rows, values[is_kept][:, complete], genes[complete]))
    shared = [gene for gene in tables[0][2] if all(gene in set(table[2]) for table in tables[1:])]
    if not shared:
        raise BadGeneSets(f"no gene is in all of {', '.join(map(str, paths))}: name fewer cohorts in gene_sets/support")
    values = np.concatenate([table[1][:, pd.Index(table[2]).get_indexer(shared)] for table in tables])
    ids, cohorts, cases = (np.concatenate([table[0][i] for table in tables]) for i in range(3))
    return Expression([str(name) for name in ids], cohorts, cases, values, shared)


def ssgsea(values: np.ndarray, genes: Sequence[str], sets: Sequence[Sequence[str]]) -> np.ndarray:
    """Scores (float64 N x S) of sets in profiles (N x G): ssGSEA's enrichment score over G, so that sizes compare."""
    import gseapy

    step = max(1, AT_ONCE // max(len(values), 1))
    frame = pd.DataFrame(values.T.astype(np.float64), index=list(genes), columns=[str(i) for i in range(len(values))])
    blocks = []
    for first in range(0, len(sets), step):
        set_genes = {str(i): list(members) for i, members in enumerate(sets[first : first + step])}
        result = gseapy.ssgsea(
            data=frame, gene_sets=set_genes, outdir=None, sample_norm_method="rank", correl_norm_type="rank",
            weight=WEIGHT, min_size=1, max_size=len(genes), no_plot=True, threads=1, verbose=False,
        ).res2d  # fmt: skip
        wide = result.pivot(index="Name", columns="Term", values="ES").astype(np.float64)
        blocks.append(wide.reindex(index=frame.columns, columns=list(set_genes)).to_numpy())
    return np.concatenate(blocks, axis=1) / len(genes)


def write_scores(
    path: str,
    expression: Expression,
    sets: Iterable[GeneSet],
    random_genes: dict[str, list[tuple[str, ...]]],
    support: Sequence[str],
) -> None:
    """Write `profile_id`, `case_id`, `cohort` (N); below `sets` a numbered group per set, with its `name`, `scores`
    (float64 N x 1 + R: its own, then those of random sets, nan outside the support) and `genes` (JSON: 1 + R lists)."""
    in_support = np.isin(expression.cohorts.astype(str), list(support))
    text_type = h5py.string_dtype()
    with new_h5(path) as handle:
        ids: dict[str, Iterable[object]] = {
            "profile_id": expression.profiles,
            "case_id": expression.cases,
            "cohort": expression.cohorts,
        }
        for name, values in ids.items():
            handle.create_dataset(name, data=[str(value) for value in values], dtype=text_type)
        for number, gene_set in enumerate(sets):
            members = [gene_set.genes, *random_genes[gene_set.name]]
            group = handle.create_group(f"sets/{number:06d}")  # names may not be valid paths
            group.attrs["name"] = gene_set.name
            own_scores = ssgsea(expression.values, expression.genes, members[:1])
            random_scores = np.full((len(own_scores), len(members) - 1), np.nan)
            if random_scores.shape[1] and in_support.any():
                random_scores[in_support] = ssgsea(expression.values[in_support], expression.genes, members[1:])
            group["scores"] = np.concatenate([own_scores, random_scores], axis=1)
            group["genes"] = json.dumps(members)
