"""Which genes pretraining sees: a list, a panel, or those that vary most."""

from __future__ import annotations

import logging

import numpy as np

from ..common.files import open_h5
from ..common.settings.omics import Selection
from .genes import GeneTable, NoGene, genes_of
from .naming import name_genes
from .quality import most_variable
from .tables import BadProfile

log = logging.getLogger(__name__)


def read_genes(path: str) -> list[str]:
    """Genes of a list, one per line, in its order; # starts a comment line."""
    with open(path, encoding="utf-8-sig") as handle:
        return [line.strip() for line in handle if line.strip() and not line.startswith("#")]


def listed_genes(path: str, table: GeneTable) -> list[str]:
    """Genes of a list under the names in this workflow's tables, each once; lines that name none are logged.

    Raises BadProfile if most lines name no gene, as every flag or token of such a list would be missing.
    """
    lines = read_genes(path)
    if not lines:
        raise BadProfile(f"{path}: no gene in this list; write one per line")
    try:
        names = list(name_genes(genes_of(lines), table).names)
    except NoGene as error:
        raise BadProfile(f"{path}: {error}") from None
    nameless = [line for line, name in zip(lines, names, strict=True) if not name]
    unknown = [name for name in names if name and table.approved and name not in table.approved]
    for entries, problem in ((nameless, "lines name no gene"), (unknown, "genes are not in the gene table")):
        if entries:
            log.warning("%s: %d of %d %s: %s", path, len(entries), len(lines), problem, ", ".join(entries[:10]))
    return list(dict.fromkeys(name for name in names if name))


def select_genes(
    values: np.ndarray, genes: np.ndarray, select: Selection, table: GeneTable, reference: str
) -> np.ndarray | None:
    """bool G, or None where the config selects nothing.

    list: genes of a file, by any name the gene table knows; top_sd: so many with the largest standard deviation over
    this cohort's values. With a reference its selection is used, because selecting is fitting.
    """
    if not select and reference:
        with open_h5(reference) as handle:
            if "selected" not in handle:
                return None
            return np.isin(genes, handle["selected"].asstr()[:])
    if not select:
        return None
    if select.get("list"):
        listed = listed_genes(select["list"], table)
        selected = np.isin(genes, sorted(listed))
        if not selected.any():
            raise BadProfile(f"{select['list']}: not one of its {len(listed)} genes is in the cohort")
        return selected
    selected = np.zeros(len(genes), bool)
    selected[most_variable(values, select["top_sd"])] = True
    return selected


def selection_counts(genes: np.ndarray, selected: np.ndarray | None, select: Selection) -> list[tuple[str, int, str]]:
    """Rows (step, genes, '') about the selection; none where all genes are taken."""
    if selected is None:
        return []
    list_rows = [("in the given list", len(set(read_genes(select["list"]))), "")] if select.get("list") else []
    return [*list_rows, ("selected", int(selected.sum()), "")]
