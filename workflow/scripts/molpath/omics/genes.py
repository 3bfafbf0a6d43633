"""Names of genes: Ensembl and Entrez ids and current or former symbols, as in files and in HGNC's table."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from .no_genes import NUMBER, WHOLE, is_nothing, is_summary

#: An Ensembl id anywhere in a name, with version, and with both marks of copies on Y (GENCODE's of today and of old).
ENSEMBL = re.compile(r"ENSG[\dR]\d{10}(\.\d+)?(_PAR_Y)?")


class NoGene(ValueError):
    """A table without usable gene names."""


@dataclass(frozen=True)
class Genes:
    """Rows of a file: Ensembl ids, symbols and Entrez ids (str, '' if missing; no Entrez ids: empty)."""

    ids: np.ndarray
    symbols: np.ndarray
    entrez: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=object))

    def __len__(self) -> int:
        return len(self.ids)

    @functools.cached_property
    def are_summaries(self) -> np.ndarray:
        """bool: rows that are not genes (totals, spike-ins), which must not count when values are divided by a sum."""
        return np.array([is_summary(gene) or is_summary(symbol) for gene, symbol, _ in self.rows()], dtype=bool)

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
    """Ensembl id, symbol and Entrez id contained in a name, '' if missing."""
    if not name.isprintable():
        name = "".join(letter for letter in name if letter.isprintable())
    name = name.strip("\"' ")
    if match := ENSEMBL.search(name):
        if match[0] == name and name[4] != "R":
            return name, "", ""
        remainder = f"{name[: match.start()]}|{name[match.end() :]}"
        pieces = [piece.strip("_-.") for piece in re.split(r"[|:;,()\[\]\s]+|//+", remainder)]
        is_copy = match[2] or "PAR_Y" in pieces or match[0][4] == "R"
        gene = match[0].removesuffix("_PAR_Y") + "_PAR_Y" * bool(is_copy)
        pieces = [piece for piece in pieces if piece not in ("PAR_Y", "gene")]
    elif "|" in name or name.endswith(")"):
        gene, pieces = "", [piece.strip() for piece in re.split(r"[|()]", name)]
    else:
        return "", name, ""
    symbol = next((piece for piece in pieces if piece and not WHOLE.fullmatch(piece)), "")
    return gene, symbol, next((piece for piece in pieces if WHOLE.fullmatch(piece)), "")


class GeneTable:
    """Approved symbols with their Ensembl and Entrez ids, previous symbols and aliases; an empty path: no genes."""

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
        """The gene of each symbol that means only one; others are ambiguous and belong to no gene."""
        owners = {symbol: names for symbol, names in owners.items() if self._is_new(symbol)}
        self.ambiguous |= {symbol for symbol, names in owners.items() if len(names) > 1}
        return {symbol: next(iter(names)) for symbol, names in owners.items() if len(names) == 1}

    def _is_new(self, name: str) -> bool:
        is_taken = name in self.approved or name in self.previous or name in self.ambiguous
        return not (is_taken or is_nothing(name) or NUMBER.fullmatch(name))

    def current(self, symbol: str) -> str:
        """The approved symbol of an approved, previous or alias symbol; unknown ones stay unchanged."""
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
    """Genes by symbol, from cells with symbols joined by |."""
    owners: dict[str, set[str]] = {}
    for cell, symbol in zip(cells, symbols, strict=True):
        for name in filter(None, cell.split("|")):
            owners.setdefault(name, set()).add(symbol)
    return owners
