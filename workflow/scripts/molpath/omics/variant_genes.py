"""Gene names of variants, judged over all files of a cohort, because one file may have few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from .genes import GeneTable, NoGene, genes_of
from .naming import DATES, NUMBERS, check_known, name_rows
from .tables import BadProfile

#: Entries of the counts for variants without a valid gene.
LOST = {DATES: "variants of spreadsheet dates, left out", NUMBERS: "variants of numbers in place of genes, left out"}


class VariantGenes:
    """Names of genes in files of mutations: current ones, and what happened to each."""

    def __init__(self, table: GeneTable, counts: Counter):
        self.table, self.counts = table, counts
        self._found: dict[str, dict[str, tuple[str, str]]] = {}

    def read(self, path: str, names: Iterable[str]) -> None:
        """Name the genes of a file, given as in its rows. Raises BadProfile for row numbers."""
        if path in self._found:
            return
        distinct = list(dict.fromkeys(names))
        try:
            pairs = name_rows(genes_of(distinct), self.table)
        except NoGene as error:
            raise BadProfile(f"{path}: {error}") from None
        self._found[path] = dict(zip(distinct, pairs, strict=True))

    def of(self, path: str, name: str) -> str:
        """The current name of a gene in a file, '' for an invalid one, which is counted."""
        current, reason = self._found[path][name]
        if not current:
            self.counts[LOST.get(reason, "variants without a gene, left out")] += 1
        return current

    def finish(self) -> None:
        """Count what happened to the names. Raises BadProfile if most are not human genes."""
        reason_of = {
            name: reason for names_in_file in self._found.values() for name, (_, reason) in names_in_file.items()
        }
        if not self.table.approved:
            return
        try:
            check_known(reason_of.items())
        except NoGene as error:
            raise BadProfile(f"{', '.join(list(self._found)[:3])}: {error}") from None
        for reason, number in Counter(reason_of.values()).items():
            self.counts[f"names of genes in files of mutations: {reason}"] += number
