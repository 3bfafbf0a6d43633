"""Mutations and copy numbers of a cohort as flags: seven a gene, as in the paper."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

import anndata
import numpy as np
import pandas as pd

from ..common.files import read_tsv, write_h5ad
from .expression_files import BadProfile
from .mutation_files import find_sample, read_copy_numbers, read_maf, sample_rows

log = logging.getLogger(__name__)

#: Flags of a gene in this order (section 1.4 of the paper's facts; the order inside is a decision of ours).
FLAGS = ("two_copy_deletion", "loss", "gain", "amplification", "small_coding", "large_coding", "non_coding")
BY_COPIES = {-2: "two_copy_deletion", -1: "loss", 1: "gain", 2: "amplification"}


def flag_dna(*, rows: Sequence[Mapping[str, str]], consequences: str, output: str, genes: str = "") -> None:
    """Write the cohort's dna.h5ad: X float32 profiles x (genes x 7), 0 or 1, var index "GENE:flag".

    rows: DNA rows of the profile sheet (rows of one profile_id are joined); consequences: table of
    Variant_Classification and the flag it sets; genes: file with one gene a line, or '' for every gene seen, sorted.
    A profile with a maf row was sequenced even if no variant of it is there.
    """
    flag_of = dict(read_tsv(consequences)[["classification", "flag"]].itertuples(index=False))
    events = collect_events(rows, flag_of)
    names = read_genes(genes) if genes else sorted({gene for found in events.values() for gene, _ in found})
    position = {f"{gene}:{flag}": i * len(FLAGS) + j for i, gene in enumerate(names) for j, flag in enumerate(FLAGS)}
    values = np.zeros((len(events), len(position)), np.float32)
    for index, found in enumerate(events.values()):
        for gene, flag in found:
            if f"{gene}:{flag}" in position:
                values[index, position[f"{gene}:{flag}"]] = 1
    data = anndata.AnnData(values)
    data.obs = describe(rows)
    data.var = pd.DataFrame({"gene": [name.rsplit(":", 1)[0] for name in position]}, index=list(position))
    data.uns["value"] = "flags"
    write_h5ad(output, data)


def read_genes(path: str) -> list[str]:
    """Genes of a list, one a line, in its order."""
    with open(path, encoding="utf-8") as handle:
        return [line.strip() for line in handle if line.strip() and not line.startswith("#")]


def collect_events(rows: Sequence[Mapping[str, str]], flag_of: Mapping[str, str]) -> dict[str, set]:
    """(gene, flag) pairs by profile, in the order of the sheet; each file is read once."""
    events: dict[str, set] = {row["profile_id"]: set() for row in rows}
    tables: dict[str, pd.DataFrame] = {}
    unknown: dict[str, int] = {}
    for row in rows:
        path = row["path"]
        if row["format"] not in ("maf", "gistic"):
            raise BadProfile(f"format {row['format']!r} holds no mutations or copy numbers; one of: maf, gistic")
        if path not in tables:
            tables[path] = read_maf(path) if row["format"] == "maf" else read_copy_numbers(path)
        if row["format"] == "maf":
            mine = tables[path][sample_rows(tables[path]["sample"], row)]
            for gene, kind in zip(mine.gene, mine.classification, strict=True):
                flag = flag_of.get(kind)
                if flag is None:
                    unknown[kind] = unknown.get(kind, 0) + 1
                elif flag in FLAGS:
                    events[row["profile_id"]].add((gene, flag))
        else:
            copies = tables[path][find_sample(tables[path].columns, row, path)].dropna().astype(int)
            hits = copies[copies != 0]
            events[row["profile_id"]] |= {(gene, BY_COPIES[value]) for gene, value in hits.items()}
    for kind, count in unknown.items():
        log.warning("%d variants of unknown classification %r left out; add it to the table", count, kind)
    return events


def describe(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """obs: ids, and which kinds of file each profile has."""
    found: dict[str, dict] = {}
    for row in rows:
        one = found.setdefault(
            row["profile_id"],
            {"case_id": row["case_id"], "cohort": row["cohort"], "sequenced": False, "copy_numbers": False},
        )
        one["sequenced" if row["format"] == "maf" else "copy_numbers"] = True
    obs = pd.DataFrame.from_dict(found, orient="index")
    obs.index.name = "profile_id"
    return obs
