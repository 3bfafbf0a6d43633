"""Gene-level copy numbers as -2 to 2: GISTIC2, cBioPortal, and GDC's absolute copies judged by ploidy."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from .genes import GeneTable, NoGene, genes_of
from .labels import is_label
from .naming import name_genes
from .tables import MISSING, NAMELESS, BadProfile, Delimited, open_text, to_names, to_numpy

GENE_COLUMNS = ("Gene Symbol", "Hugo_Symbol", "Gene.Symbol", "Entrez_Gene_Id")
NOT_SAMPLES = (*GENE_COLUMNS, "Locus ID", "Gene ID", "Locus.ID", "Gene.ID", "Cytoband", "")
#: COSMIC's rule for total copies: up to this ploidy 0 copies are a deep deletion and 5 an amplification; above it
#: fewer than ploidy - 2.7 and at least 9.
PLOIDY, AMPLIFIED, AMPLIFIED_ABOVE = 2.7, 5, 9
NO_ID = {*MISSING, "0", "-1"}
SEX_CHROMOSOMES = ("chrX", "chrY", "X", "Y")


@dataclass
class CopyTable:
    """Rows of a file: -2 to 2 by name x sample (NaN is missing), and an id of each row's gene ('' for none)."""

    values: pd.DataFrame
    ids: Sequence[str]


@dataclass
class Copies:
    """Copy numbers by gene: one row per gene, and (bool) where several rows of a gene contradict each other.

    outside: genes that no list names x samples (bool), whether there are other than two copies; their rows are removed.
    """

    values: pd.DataFrame
    doubted: pd.DataFrame
    outside: pd.DataFrame


def read_copy_numbers(path: str) -> CopyTable:
    """GISTIC2's all_thresholded.by_genes or cBioPortal's data_cna, unchanged; missing stays missing."""
    file = Delimited(path)
    labels = [column == NAMELESS or is_label(column) for column in file.columns[:2]]
    first = file.columns[:1] if labels == [True, False] else []  # Xena: Sample
    name = next((column for column in (*GENE_COLUMNS, *first) if column in file.columns), None)
    if name is None:
        raise BadProfile(f"{path}: none of the columns {', '.join(GENE_COLUMNS)}; this is not a gene-level table")
    samples = [column for column in file.columns if column not in (*NOT_SAMPLES, name)]
    entrez = next((column for column in ("Entrez_Gene_Id", "Locus ID", "Gene ID") if column in file.columns), name)
    table = file.read(list(dict.fromkeys([name, entrez])), samples)
    genes = list(to_names(table[name]))  # SLC35E2|728661 and SLC35E2|9906 are two genes
    values = pd.DataFrame({sample: to_numpy(table[sample]) for sample in samples}, index=genes)
    bad_cells = np.argwhere(~np.isin(values.to_numpy(), [-2, -1, 0, 1, 2]) & values.notna().to_numpy())
    if len(bad_cells):
        row, column = bad_cells[0]
        raise BadProfile(
            f"{path}: value {values.iat[row, column]:g} for {genes[row]} in {samples[column]}; thresholded copy "
            "numbers are -2 to 2 (not log ratios)"
        )
    ids = to_names(table[entrez]) if entrez != name else [""] * len(genes)
    return CopyTable(values, ["" if gene in NO_ID else gene for gene in ids])


class CopyNames:
    """Current names for the rows of tables; those of the last table are cached, as the next often has the same."""

    def __init__(self, table: GeneTable):
        self.table = table
        self._last: tuple[pd.Index, np.ndarray] | None = None

    def of(self, path: str, rows: pd.Index) -> np.ndarray:
        """One name per row, '' for a row without one. Raises BadProfile if no row has a name."""
        if self._last is None or not self._last[0].equals(rows):
            symbols = ["" if name in MISSING else name for name in rows]
            try:
                self._last = rows, name_genes(genes_of(symbols), self.table).names
            except NoGene as error:
                raise BadProfile(f"{path}: {error}") from None
        return self._last[1]


def one_row_a_gene(path: str, table: CopyTable, names: CopyNames, listed: Collection[str] | None = None) -> Copies:
    """Copy numbers by current names, of all genes or of those `listed`.

    Of several rows of a gene (a row for losses and one for gains, an old and a new symbol) the strongest counts; where
    one says loss and another gain, or where rows that differ are of different genes by their ids, the value is missing.
    """
    current = names.of(path, table.values.index)
    named_rows = np.flatnonzero(current != "")
    genes, first = np.unique(current[named_rows].astype(str), return_index=True)
    values = table.values.to_numpy().take(named_rows[first], axis=0)
    several = pd.Index(current).duplicated(keep=False) & (current != "")
    merged, conflicts = join_rows(table.values[several].set_axis(current[several]), np.asarray(table.ids)[several])
    values[np.searchsorted(genes, merged.index.to_numpy(str))] = merged
    by_gene = pd.DataFrame(values, genes, table.values.columns)
    is_listed = np.ones(len(by_gene), bool) if listed is None else by_gene.index.isin(list(listed))
    outside = by_gene[~is_listed].fillna(0) != 0
    return Copies(by_gene[is_listed], conflicts[conflicts.index.isin(by_gene.index[is_listed])], outside)


def join_rows(rows: pd.DataFrame, ids: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One row per gene of rows that share their names, and where they contradict each other (bool)."""
    owners = pd.Series(ids, rows.index, dtype=object)
    low, high = rows.groupby(level=0).min(), rows.groupby(level=0).max()
    mixed = owners[owners != ""].groupby(level=0).nunique().reindex(low.index).gt(1).to_numpy()
    conflicts = ((low < 0) & (high > 0)) | (low.lt(high) & mixed[:, None])
    return stronger(low, high).mask(conflicts), conflicts


def stronger(low, high):
    """The one of smallest and largest copy number (frames or series of one shape) that is further from two copies."""
    return high.where(high >= low.abs(), low)


def read_lesions(path: str) -> CopyTable:
    """GISTIC2's all_lesions.conf_XX.txt, with amp_genes and del_genes beside it.

    A gene in the wide peak of a lesion has that lesion's value: 1 or 2 amplified, 1 or 2 deleted (as -1 or -2); one in
    several peaks has a row for each (see one_row_a_gene). Genes in no peak are not in the table: they are missing, not
    neutral.
    """
    names: list[str] = []
    rows: list[np.ndarray] = []
    samples: list[str] = []
    for kind, file_part, sign in (("Amplification", "amp_genes", 1), ("Deletion", "del_genes", -1)):
        genes = read_peaks(str(Path(path).with_name(Path(path).name.replace("all_lesions", file_part))))
        for peak, values in lesion_rows(path, kind):
            samples = list(values.index)
            for gene in genes.get(peak, []):
                names.append(gene)
                rows.append(sign * values.to_numpy())
    if not rows:
        raise BadProfile(f"{path}: no gene in an amplification or deletion peak")
    return CopyTable(pd.DataFrame(np.array(rows), names, samples).sort_index(kind="stable"), [""] * len(rows))


def lesion_rows(path: str, kind: str) -> list[tuple[str, pd.Series]]:
    """(wide peak, values 0, 1 or 2 by sample) of the thresholded rows of a kind."""
    file = Delimited(path)
    file.require(["Unique Name", "Wide Peak Limits", "Amplitude Threshold"], "GISTIC2 all_lesions")
    last = file.columns.index("Amplitude Threshold")
    samples = [name for name in file.columns[last + 1 :] if name]
    table = file.read(["Unique Name", "Wide Peak Limits"], samples)
    names, limits = to_names(table["Unique Name"]), to_names(table["Wide Peak Limits"])
    values = np.column_stack([to_numpy(table[name]) for name in samples])
    return [
        (limit.split("(")[0].strip(), pd.Series(values[index], samples))
        for index, (name, limit) in enumerate(zip(names, limits, strict=True))
        if name.startswith(kind) and "CN values" not in name
    ]


def read_peaks(path: str) -> dict[str, list[str]]:
    """Genes by wide peak of amp_genes or del_genes: one column per peak, genes below its limits ([nearest] is none)."""
    if not Path(path).is_file():
        raise BadProfile(f"{path}: no such file; GISTIC2 writes it beside all_lesions, and it holds the genes")
    with open_text(path) as handle:
        lines = [line.rstrip("\r\n").split("\t") for line in handle]
    head = next((i for i, line in enumerate(lines) if line[0] == "wide peak boundaries"), None)
    if head is None:
        raise BadProfile(f"{path}: no row 'wide peak boundaries'; this is not a GISTIC2 table of genes in peaks")
    genes_of_peak: dict[str, list[str]] = {}
    for column, peak in enumerate(lines[head][1:], 1):
        cells = [line[column].strip() for line in lines[head + 1 :] if len(line) > column]
        if peak.strip():
            genes_of_peak[peak.strip()] = [cell.split("|")[0] for cell in cells if cell and not cell.startswith("[")]
    return genes_of_peak


def read_absolute(path: str, name: str) -> CopyTable:
    """-2 to 2 of one sample (a column called `name`) from GDC's gene_level_copy_number; empty cells are missing.

    Ploidy: mean of copies over autosomal genes, weighted by their lengths. -2 and 2 by COSMIC's rule; -1 and 1 below
    and above the rounded ploidy. On X and Y only -2 and 2 are called, because the normal number depends on sex; on Y
    not even -2, because women have none of it. Copies on Y (PAR_Y) of genes that are also on X are left out.
    """
    file = Delimited(path)
    texts = ["gene_id", "gene_name", "chromosome"]
    file.require([*texts, "start", "end", "copy_number"], "GDC gene-level copy number")
    table = file.read(texts, ["start", "end", "copy_number"])
    copies, length = to_numpy(table["copy_number"]), to_numpy(table["end"]) - to_numpy(table["start"]) + 1
    if np.nanmin(copies, initial=0) < 0 or (copies[np.isfinite(copies)] % 1).any():
        raise BadProfile(
            f"{path}: copy_number holds values that are negative or not integers; these are not total copies"
        )
    chromosomes, ids = to_names(table["chromosome"]).astype(str), to_names(table["gene_id"]).astype(str)
    sexual = np.isin(chromosomes, SEX_CHROMOSOMES)
    has_copies = np.isfinite(copies)
    autosomal = has_copies & ~sexual
    if not autosomal.any():
        raise BadProfile(f"{path}: no autosomal gene has a copy number, so the ploidy isn't known")
    ploidy = float(np.average(copies[autosomal], weights=length[autosomal]))
    calls = call_copies(copies, ploidy)
    calls[sexual & (np.abs(calls) < 2)] = np.nan
    calls[np.isin(chromosomes, ("chrY", "Y")) & (calls == -2)] = np.nan
    is_first_copy = ~np.char.endswith(ids, "_PAR_Y")
    values = pd.DataFrame({name: calls[is_first_copy]}, index=to_names(table["gene_name"])[is_first_copy])
    return CopyTable(values, list(ids[is_first_copy]))


def call_copies(copies: np.ndarray, ploidy: float) -> np.ndarray:
    """-2 to 2 of total copies (float, NaN missing) at a ploidy."""
    calls = np.sign(copies - round(ploidy))
    high = ploidy > PLOIDY
    deep = copies < ploidy - PLOIDY if high else copies == 0
    calls[deep] = -2
    calls[copies >= (AMPLIFIED_ABOVE if high else AMPLIFIED)] = 2
    calls[np.isnan(copies)] = np.nan
    return calls


def is_lesions(path: str) -> bool:
    """True for GISTIC2's table of lesions, by its name."""
    return re.search(r"all_lesions", Path(path).name) is not None
