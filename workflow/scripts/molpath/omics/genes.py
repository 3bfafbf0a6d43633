"""Names of genes: ids and symbols of any age to one name a gene, through one gate, with every loss counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

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

#: An Ensembl id anywhere in a name, with version, and with both marks of copies on Y (GENCODE's of today and of old).
ENSEMBL = re.compile(r"ENSG[\dR]\d{10}(\.\d+)?(_PAR_Y)?")
#: Of the names of a file at least this share must be genes that the table knows.
LEAST_KNOWN = 0.5
#: Names of a file are Entrez ids if this share is numbers, and this share of these is known: of the numbers of rows
#: up to 10,000 three in four are Entrez ids, too.
LEAST_NUMBERS, LEAST_ENTREZ = 0.9, 0.9

# What became of a row; keys of Naming.counts.
PAR_Y, SUMMARY, NAMELESS = "PAR_Y copies dropped", "summary rows dropped", "rows without a name dropped"
DATES, NUMBERS = "spreadsheet dates dropped", "numbers among names dropped"
KNOWN, UPDATED, TRANSLATED = "known to the gene table", "symbols brought up to date", "Entrez ids translated"
BY_ID, UNKNOWN = "Ensembl ids that the gene table lacks", "not known to the gene table, kept as they stand"
NO_SYMBOL = "clones and loci without an approved symbol, kept as they stand"
SEVERAL = "symbols that may mean several genes, kept as they stand"
APART = "aliases of a gene that has a row of its own, kept apart"


class NoGene(ValueError):
    """A table without usable gene names."""


@dataclass(frozen=True)
class Genes:
    """Rows of a file: Ensembl ids, symbols and Entrez ids (str, '' where there is none; no Entrez ids: empty)."""

    ids: np.ndarray
    symbols: np.ndarray
    entrez: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=object))

    def __len__(self) -> int:
        return len(self.ids)

    def same_as(self, other: Genes) -> bool:
        """True if both name the same genes in the same order."""
        if self is other:
            return True
        pairs = ((self.ids, other.ids), (self.symbols, other.symbols), (self.entrez, other.entrez))
        return all(np.array_equal(*pair) for pair in pairs)

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """(Ensembl id, symbol, Entrez id) of each row."""
        return zip(self.ids, self.symbols, self.entrez if len(self.entrez) else [""] * len(self), strict=True)


def genes_of(names: Iterable) -> Genes:
    """Genes from one column of names.

    Each is an Ensembl id, a symbol, an Entrez id, or two of them: SYMBOL|Entrez (legacy TCGA), SYMBOL (Entrez)
    (DepMap), ENSG…|SYMBOL, ENSG…_SYMBOL, SYMBOL|chr1.
    """
    columns = list(zip(*(split_name(str(name)) for name in names), strict=True)) or [(), (), ()]
    return Genes(*(np.array(column, dtype=object) for column in columns))


def split_name(name: str) -> tuple[str, str, str]:
    """Ensembl id, symbol and Entrez id that are in a name, '' each where it is not."""
    if not name.isprintable():
        name = "".join(letter for letter in name if letter.isprintable())
    name = name.strip("\"' ")
    if match := ENSEMBL.search(name):
        if match[0] == name and name[4] != "R":
            return name, "", ""
        rest = f"{name[: match.start()]}|{name[match.end() :]}"
        parts = [part.strip("_-.") for part in re.split(r"[|:;,()\[\]\s]+|//+", rest)]
        is_copy = match[2] or "PAR_Y" in parts or match[0][4] == "R"
        gene = match[0].removesuffix("_PAR_Y") + "_PAR_Y" * bool(is_copy)
        parts = [part for part in parts if part not in ("PAR_Y", "gene")]
    elif "|" in name or name.endswith(")"):
        gene, parts = "", [part.strip() for part in re.split(r"[|()]", name)]
    else:
        return "", name, ""
    symbol = next((part for part in parts if part and not WHOLE.fullmatch(part)), "")
    return gene, symbol, next((part for part in parts if WHOLE.fullmatch(part)), "")


class GeneTable:
    """Approved symbols with their Ensembl and Entrez ids, previous symbols and aliases; an empty path knows no gene."""

    def __init__(self, path: str = ""):
        self.by_id: dict[str, str] = {}
        self.by_entrez: dict[str, str] = {}
        self.approved: set[str] = set()
        self.previous: dict[str, str] = {}
        self.aliases: dict[str, str] = {}
        #: Symbols that several genes had or have as an alias.
        self.ambiguous: set[str] = set()
        if path:
            self._read(path)

    def _read(self, path: str) -> None:
        table = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False, na_filter=False)
        missing = {"symbol", "ensembl_id", "previous", "aliases"} - set(table)
        if missing:
            raise NoGene(f"{path}: no column {', '.join(sorted(missing))}; a gene table has symbol, ensembl_id, …")
        self.approved = set(table.symbol)
        self.by_id = {gene: symbol for gene, symbol in zip(table.ensembl_id, table.symbol, strict=True) if gene}
        if "entrez_id" in table:
            self.by_entrez = {gene: name for gene, name in zip(table.entrez_id, table.symbol, strict=True) if gene}
        self.previous = self._single(owners_of(table.previous, table.symbol))
        self.aliases = self._single(owners_of(table.aliases, table.symbol))
        # C1ORF112 is how a table in capitals writes C1orf112.
        self.previous |= {name.upper(): name for name in self.approved if "orf" in name and self._is_new(name.upper())}

    def _single(self, owners: Mapping[str, set[str]]) -> dict[str, str]:
        """The gene of each word that means one; others are ambiguous. What means more before it is nobody's now."""
        owners = {word: names for word, names in owners.items() if self._is_new(word)}
        self.ambiguous |= {word for word, names in owners.items() if len(names) > 1}
        return {word: next(iter(names)) for word, names in owners.items() if len(names) == 1}

    def _is_new(self, word: str) -> bool:
        known = word in self.approved or word in self.previous or word in self.ambiguous
        return not (known or is_nothing(word) or NUMBER.fullmatch(word))

    def current(self, symbol: str) -> str:
        """The approved symbol of an approved, previous or alias symbol; what is not known stays as it is."""
        return self.find("", symbol, "") or symbol

    def find(self, gene: str, symbol: str, entrez: str) -> str:
        """The approved symbol by Ensembl id (without version), else by Entrez id, else by symbol; '' if not known."""
        if gene and (name := self.by_id.get(gene)):
            return name
        if not entrez and symbol.startswith("LOC"):
            entrez = symbol[3:]
        if entrez and (name := self.by_entrez.get(entrez.removesuffix(".0"))):
            return name
        if symbol in self.approved:
            return symbol
        return self.previous.get(symbol) or self.aliases.get(symbol, "")


def owners_of(cells: Iterable[str], symbols: Iterable[str]) -> dict[str, set[str]]:
    """Genes by word, of cells with words joined by |."""
    owners: dict[str, set[str]] = {}
    for words, symbol in zip(cells, symbols, strict=True):
        for word in filter(None, words.split("|")):
            owners.setdefault(word, set()).add(symbol)
    return owners


@dataclass
class Naming:
    """One name a row ('' where the row is dropped), and what became of the rows."""

    names: np.ndarray
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        kept = np.flatnonzero(self.names != "")
        if not len(kept):
            raise NoGene("no row has a usable gene name (Ensembl id, Entrez id or symbol)")
        order = kept[np.argsort(self.names[kept].astype(str), kind="stable")]
        self.genes, self._starts = np.unique(self.names[order].astype(str), return_index=True)
        self._order = order

    def gather(self, values: np.ndarray, summed: bool) -> np.ndarray:
        """Values (rows of the file, optionally x samples) by gene, in the order of `genes`.

        Rows of one gene are summed, as reads or TPM of parts of one gene add up; where a sum has no meaning (z-scores)
        the first row stays.
        """
        ordered = values[self._order]
        return np.add.reduceat(ordered, self._starts, axis=0) if summed else ordered[self._starts]


def name_genes(genes: Genes, table: GeneTable, least_known: float = LEAST_KNOWN) -> Naming:
    """The gate: which gene each row is.

    A gene is called by the approved symbol of its Ensembl id, else of its Entrez id, else of the symbol in the file;
    one that the table doesn't know keeps its symbol, else its Ensembl id without version. Dropped are PAR_Y copies,
    summary rows, spreadsheet dates, numbers and rows without a name. With a table, NoGene is raised unless
    `least_known` of the names are genes (by the table, or Ensembl ids); and always for a column of row numbers.
    """
    if are_numbers(genes, table):
        genes = Genes(genes.ids, np.full(len(genes), "", object), genes.symbols) if table.by_entrez else genes
        pairs = [name_row(*row, table, keep_numbers=not table.by_entrez) for row in genes.rows()]
    else:
        pairs = [name_row(*row, table) for row in genes.rows()]
    pairs = keep_aliases_apart(genes, pairs, table)
    counts = Counter({"rows": len(genes)})
    counts.update(reason for _, reason in pairs)
    if table.approved:
        check_known(genes, pairs, least_known)
    else:
        for reason in (KNOWN, BY_ID, UNKNOWN, NO_SYMBOL):  # nothing is known without a table
            counts.pop(reason, None)
    naming = Naming(np.array([name for name, _ in pairs], dtype=object), counts)
    counts["rows of the same gene joined"] = sum(name != "" for name, _ in pairs) - len(naming.genes)
    return naming


def name_row(gene: str, symbol: str, entrez: str, table: GeneTable, keep_numbers: bool = False) -> tuple[str, str]:
    """Name of a row ('' drops it), and what became of it."""
    if gene.endswith("_PAR_Y"):
        return "", PAR_Y
    gene = gene.split(".")[0]
    if symbol in table.approved and not gene and not entrez:
        return symbol, KNOWN
    is_gene = ENSEMBL.fullmatch(gene) is not None
    if not is_gene and (is_summary(gene) or is_summary(symbol)):
        return "", SUMMARY
    lost = symbol not in table.approved and lost_name(symbol, keep_numbers)
    symbol = "" if lost else symbol
    if name := table.find(gene, symbol, entrez):
        return name, TRANSLATED if not symbol and not is_gene else KNOWN if symbol in ("", name) else UPDATED
    if symbol:
        unknown = SEVERAL if symbol in table.ambiguous else NO_SYMBOL if UNNAMED.fullmatch(symbol) else UNKNOWN
        return symbol, BY_ID if is_gene else unknown
    if gene and not is_nothing(gene):
        return gene, BY_ID if is_gene else UNKNOWN
    return "", lost or (NUMBERS if entrez else NAMELESS)


def lost_name(symbol: str, keep_numbers: bool) -> str:
    """Why a symbol is none, '' for one that may be."""
    if is_nothing(symbol):
        return NAMELESS
    if is_date(symbol) or (is_serial_day(symbol) and not keep_numbers):
        return DATES
    return NUMBERS if NUMBER.fullmatch(symbol) and not keep_numbers else ""


def are_numbers(genes: Genes, table: GeneTable) -> bool:
    """True if the rows are called by Entrez ids. Raises NoGene for row numbers, and for numbers that are no genes."""
    names = [symbol for gene, symbol, _ in genes.rows() if not gene and not is_nothing(symbol)]
    numbers = [int(float(name)) for name in names if WHOLE.fullmatch(name)]
    others = len(genes) - sum(is_nothing(symbol) and not gene for gene, symbol, _ in genes.rows())
    if not numbers or len(numbers) < LEAST_NUMBERS * others:
        return False
    example = ", ".join(names[:4])
    if are_row_numbers(numbers):
        raise NoGene(
            f"genes are called {example}, …: these are numbers of rows; write the table without its index, so that "
            "the column of names comes first (pandas: index=False)"
        )
    known = sum(str(number) in table.by_entrez for number in numbers)
    if table.by_entrez and known < LEAST_ENTREZ * len(numbers):
        raise NoGene(
            f"genes are called {example}, …, but only {known} of {len(numbers)} are Entrez ids of genes: numbers of "
            "rows, or ids of another source; give symbols, Ensembl or Entrez ids"
        )
    return True


def keep_aliases_apart(genes: Genes, pairs: Sequence[tuple[str, str]], table: GeneTable) -> list[tuple[str, str]]:
    """An alias means its gene only where nothing else in the file does: two rows a file tells apart are two genes."""
    claims: dict[str, set[str]] = {}
    weak = []
    for index, ((name, reason), symbol) in enumerate(zip(pairs, genes.symbols, strict=True)):
        if reason == UPDATED and table.aliases.get(symbol) == name:
            weak.append(index)
        claims.setdefault(name, set()).add(symbol if reason == UPDATED else name)
    found = list(pairs)
    for index in weak:
        name, symbol = pairs[index][0], genes.symbols[index]
        by_symbol = not (len(genes.entrez) and genes.entrez[index]) and not genes.ids[index]
        if by_symbol and len(claims[name]) > 1:
            found[index] = (symbol, APART)
    return found


def check_known(genes: Genes, pairs: Sequence[tuple[str, str]], least_known: float) -> None:
    """Raise NoGene if too few names are those of human genes."""
    reasons = Counter(reason for _, reason in pairs)
    known = sum(reasons[reason] for reason in (KNOWN, UPDATED, TRANSLATED, BY_ID))
    unknown = sum(reasons[reason] for reason in (UNKNOWN, SEVERAL, NUMBERS, APART))
    if known + unknown and known < least_known * (known + unknown):
        names = [
            symbol or gene for (gene, symbol, _), (_, why) in zip(genes.rows(), pairs, strict=True) if why == UNKNOWN
        ]
        hint = looks_like(names) if names else ""
        raise NoGene(
            f"only {known} of {known + unknown} names are of human genes; unknown are {', '.join(names[:4])}, …"
            + (f" They look like {hint}." if hint else "")
            + " Correct the names, or take them as they are with omics/gene_table: as_given"
        )
