"""Names of genes: Ensembl ids and symbols of any age to one name a gene, with every loss counted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

#: What a spreadsheet makes of symbols such as MARCHF1 or SEPTIN2: nobody can say any more which gene it was.
DATE = re.compile(r"(\d{1,2}-(Mar|Sep|Sept|Dec|Oct|Nov|Apr|Feb)|(Mar|Sep|Sept|Dec|Oct|Nov|Apr|Feb)-\d{1,2})", re.I)
ENSEMBL = re.compile(r"ENSG\d{11}(\.\d+)?(_PAR_Y)?")


class NoGene(ValueError):
    """A table without one usable gene name."""


@dataclass(frozen=True)
class Genes:
    """Rows of a file: Ensembl ids (str, '' where there is none) and symbols ('' where there is none)."""

    ids: np.ndarray
    symbols: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    def same_as(self, other: Genes) -> bool:
        """True if both name the same genes in the same order."""
        if self is other:
            return True
        return np.array_equal(self.ids, other.ids) and np.array_equal(self.symbols, other.symbols)


def genes_of(names) -> Genes:
    """Genes from one column of names, each an Ensembl id, a symbol, SYMBOL|Entrez (legacy TCGA) or ENSG…|SYMBOL."""
    texts = ("".join(letter for letter in str(name) if letter.isprintable()) for name in names)
    first = np.array([text.split("|")[0].strip() for text in texts], dtype=object)
    is_id = np.array([ENSEMBL.fullmatch(name) is not None for name in first], bool)
    return Genes(np.where(is_id, first, ""), np.where(is_id | (first == "?"), "", first))


class GeneTable:
    """Approved symbols with their Ensembl ids, previous symbols and aliases; an empty path knows no gene."""

    def __init__(self, path: str = ""):
        self.by_id: dict[str, str] = {}
        self.approved: set[str] = set()
        self.older: dict[str, str] = {}
        if not path:
            return
        table = pd.read_csv(path, sep="\t", comment="#", dtype=str, keep_default_na=False, na_filter=False)
        missing = {"symbol", "ensembl_id", "previous", "aliases"} - set(table)
        if missing:
            raise NoGene(f"{path}: no column {', '.join(sorted(missing))}; a gene table has symbol, ensembl_id, …")
        self.approved = set(table.symbol)
        self.by_id = {gene: symbol for gene, symbol in zip(table.ensembl_id, table.symbol, strict=True) if gene}
        for column in ("aliases", "previous"):  # a previous symbol wins over an alias
            owners: dict[str, set[str]] = {}
            for words, symbol in zip(table[column], table.symbol, strict=True):
                for word in filter(None, words.split("|")):
                    owners.setdefault(word, set()).add(symbol)
            self.older |= {word: next(iter(names)) for word, names in owners.items() if len(names) == 1}
            for word in (word for word, names in owners.items() if len(names) > 1):
                self.older.pop(word, None)  # it may mean several genes

    def current(self, symbol: str) -> str:
        """The approved symbol of an approved, previous or alias symbol; what is not known stays as it is."""
        return symbol if symbol in self.approved else self.older.get(symbol, symbol)


@dataclass
class Naming:
    """One name a row ('' where the row is dropped), and what became of the rows."""

    names: np.ndarray
    counts: Counter = field(default_factory=Counter)

    def __post_init__(self):
        kept = np.flatnonzero(self.names != "")
        if not len(kept):
            raise NoGene("no row has a usable gene name (Ensembl id or symbol)")
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


def name_genes(genes: Genes, table: GeneTable) -> Naming:
    """The rule: PAR_Y copies, spreadsheet dates and nameless rows are dropped; a gene is called by the approved symbol
    of its Ensembl id, else by the approved form of the symbol in the file, else by its Ensembl id without version.
    """
    names = np.full(len(genes), "", dtype=object)
    counts: Counter = Counter({"rows": len(genes)})
    for index, (gene, symbol) in enumerate(zip(genes.ids, genes.symbols, strict=True)):
        if gene.endswith("_PAR_Y"):
            counts["PAR_Y copies dropped"] += 1
            continue
        if DATE.fullmatch(symbol):
            counts["spreadsheet dates dropped"] += 1
            symbol = ""
        gene = gene.split(".")[0]
        name = table.by_id.get(gene) or table.current(symbol) or gene
        if not name:
            counts["rows without a name dropped"] += 1
            continue
        if symbol and name != symbol:
            counts["symbols brought up to date"] += 1
        names[index] = name
    naming = Naming(names, counts)
    counts["rows of the same gene joined"] = int((names != "").sum()) - len(naming.genes)
    return naming
