"""Gene naming: one name per gene for the rows of any file, with every loss counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .genes import ENSEMBL, Genes, GeneTable, NoGene
from .no_genes import (
    NUMBER,
    UNNAMED,
    WHOLE,
    are_row_numbers,
    is_date,
    is_nothing,
    is_serial_day,
    is_summary,
    looks_like,
)

#: Of the names of a file at least this share must be genes that the table knows.
LEAST_KNOWN = 0.5
#: Names of a file are Entrez ids if this share is numeric, and this share of these is known: of row numbers
#: up to 10,000 three in four are Entrez ids, too.
LEAST_NUMBERS, LEAST_ENTREZ = 0.9, 0.9

# What happened to a row; keys of Naming.counts.
PAR_Y, SUMMARY, NAMELESS = "PAR_Y copies dropped", "summary rows dropped", "rows without a name dropped"
DATES, NUMBERS = "spreadsheet dates dropped", "numbers among names dropped"
KNOWN, UPDATED, TRANSLATED = "known to the gene table", "symbols brought up to date", "Entrez ids translated"
BY_ID, UNKNOWN = "Ensembl ids that the gene table lacks", "not known to the gene table, kept as they stand"
NO_SYMBOL = "clones and loci without an approved symbol, kept as they stand"
SEVERAL = "symbols that may mean several genes, kept as they stand"
APART = "aliases of a gene that has a row of its own, kept apart"


@dataclass
class Naming:
    """One name per row ('' if the row is dropped), and counts of what happened to the rows."""

    names: np.ndarray
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        named_rows = np.flatnonzero(self.names != "")
        if not len(named_rows):
            raise NoGene("no row has a usable gene name (Ensembl id, Entrez id or symbol)")
        order = named_rows[np.argsort(self.names[named_rows].astype(str), kind="stable")]
        self.genes, self._starts = np.unique(self.names[order].astype(str), return_index=True)
        self._order = order

    def gather(self, values: np.ndarray, summed: bool) -> np.ndarray:
        """Values (rows of the file, optionally x samples) by gene, in the order of `genes`.

        Rows of one gene are summed, as reads or TPM of parts of one gene add up; where a sum has no meaning (z-scores)
        the first row stays.
        """
        ordered = values[self._order]
        return np.add.reduceat(ordered, self._starts, axis=0) if summed else ordered[self._starts]


def name_genes(genes: Genes, table: GeneTable) -> Naming:
    """Name the gene of each row.

    A gene is called by the approved symbol of its Ensembl id, else of its Entrez id, else of the symbol in the file;
    one that the table doesn't know keeps its symbol, else its Ensembl id without version. Dropped are PAR_Y copies,
    summary rows, spreadsheet dates, numbers and rows without a name. With a table, NoGene is raised unless
    LEAST_KNOWN of the names are genes (by the table, or Ensembl ids); and always for a column of row numbers.
    """
    pairs = name_rows(genes, table)
    counts = Counter({"rows": len(genes)})
    counts.update(reason for _, reason in pairs)
    if table.approved:
        file_names = (symbol or gene for gene, symbol, _ in genes.rows())
        check_known((name, reason) for name, (_, reason) in zip(file_names, pairs, strict=True))
    else:
        for reason in (KNOWN, BY_ID, UNKNOWN, NO_SYMBOL):  # nothing is known without a table
            counts.pop(reason, None)
    naming = Naming(np.array([name for name, _ in pairs], dtype=object), counts)
    counts["rows of the same gene joined"] = sum(name != "" for name, _ in pairs) - len(naming.genes)
    return naming


def name_rows(genes: Genes, table: GeneTable) -> list[tuple[str, str]]:
    """Name of each row ('' drops it), and what happened to it. Raises NoGene for a column of row numbers."""
    numbers = are_numbers(genes, table)
    if numbers and table.by_entrez:
        genes = Genes(genes.ids, np.full(len(genes), "", object), genes.symbols)
    keep_numbers = numbers and not table.by_entrez
    return keep_aliases_apart(genes, [name_row(*row, table, keep_numbers) for row in genes.rows()], table)


def name_row(gene: str, symbol: str, entrez: str, table: GeneTable, keep_numbers: bool = False) -> tuple[str, str]:
    """Name of a row ('' drops it), and what happened to it."""
    if gene.endswith("_PAR_Y"):
        return "", PAR_Y
    gene = gene.split(".")[0]
    if symbol in table.approved and not gene and not entrez:
        return symbol, KNOWN
    is_gene = ENSEMBL.fullmatch(gene) is not None
    if not is_gene and (is_summary(gene) or is_summary(symbol)):
        return "", SUMMARY
    loss = symbol not in table.approved and lost_name(symbol, keep_numbers)
    symbol = "" if loss else symbol
    if name := table.find(gene, symbol, entrez):
        return name, TRANSLATED if not symbol and not is_gene else KNOWN if symbol in ("", name) else UPDATED
    if symbol:
        unknown = SEVERAL if symbol in table.ambiguous else NO_SYMBOL if UNNAMED.fullmatch(symbol) else UNKNOWN
        return symbol, BY_ID if is_gene else unknown
    if gene and not is_nothing(gene):
        return gene, BY_ID if is_gene else UNKNOWN
    return "", loss or (NUMBERS if entrez else NAMELESS)


def lost_name(symbol: str, keep_numbers: bool) -> str:
    """Why a text is not a symbol, '' if it may be one."""
    if is_nothing(symbol):
        return NAMELESS
    if is_date(symbol) or (is_serial_day(symbol) and not keep_numbers):
        return DATES
    return NUMBERS if NUMBER.fullmatch(symbol) and not keep_numbers else ""


def are_numbers(genes: Genes, table: GeneTable) -> bool:
    """True if the rows are called by Entrez ids. Raises NoGene for row numbers, and for numbers that are no genes."""
    names = [symbol for gene, symbol, _ in genes.rows() if not gene and not is_nothing(symbol)]
    numbers = [int(float(name)) for name in names if WHOLE.fullmatch(name)]
    n_named = len(genes) - sum(is_nothing(symbol) and not gene for gene, symbol, _ in genes.rows())
    if not numbers or len(numbers) < LEAST_NUMBERS * n_named:
        return False
    example = ", ".join(names[:4])
    if are_row_numbers(numbers):
        raise NoGene(
            f"the genes are numbered from {min(numbers)} and have no names: write the names in the first column "
            "(pandas: index=False)"
        )
    n_known = sum(str(number) in table.by_entrez for number in numbers)
    if table.by_entrez and n_known < LEAST_ENTREZ * len(numbers):
        raise NoGene(
            f"genes are called {example}, …, but only {n_known} of {len(numbers)} are Entrez ids of genes: numbers of "
            "rows, or ids of another source; give symbols, Ensembl or Entrez ids"
        )
    return True


def keep_aliases_apart(genes: Genes, pairs: Sequence[tuple[str, str]], table: GeneTable) -> list[tuple[str, str]]:
    """An alias means its gene only if nothing else in the file does: two rows of a file are two genes."""
    claims: dict[str, set[str]] = {}
    weak = []
    for index, ((name, reason), symbol) in enumerate(zip(pairs, genes.symbols, strict=True)):
        if reason == UPDATED and table.aliases.get(symbol) == name:
            weak.append(index)
        claims.setdefault(name, set()).add(symbol if reason == UPDATED else name)
    kept_pairs = list(pairs)
    for index in weak:
        name, symbol = pairs[index][0], genes.symbols[index]
        by_symbol = not (len(genes.entrez) and genes.entrez[index]) and not genes.ids[index]
        if by_symbol and len(claims[name]) > 1:
            kept_pairs[index] = (symbol, APART)
    return kept_pairs


def check_known(names: Iterable[tuple[str, str]]) -> None:
    """Raise NoGene if too few of the names, each with its result, are of human genes."""
    name_reasons = list(names)
    reasons = Counter(reason for _, reason in name_reasons)
    n_known = sum(reasons[reason] for reason in (KNOWN, UPDATED, TRANSLATED, BY_ID))
    judged = n_known + sum(reasons[reason] for reason in (UNKNOWN, SEVERAL, NUMBERS, APART))
    only_unnamed = reasons[NO_SYMBOL] >= 2 and not judged  # microRNAs only: hsa-miR-21-5p
    if n_known < LEAST_KNOWN * judged or only_unnamed:
        unknown = [name for name, reason in name_reasons if reason in (UNKNOWN, SEVERAL, NUMBERS, NO_SYMBOL)]
        hint, n_judged = looks_like(unknown), judged or len(unknown)
        raise NoGene(
            f"only {n_known} of {n_judged} names are of human genes; unknown are {', '.join(unknown[:4])}, …"
            + (f" They look like {hint}." if hint else "")
            + " Correct the names, or use them unchanged with omics/gene_table: as_given"
        )
