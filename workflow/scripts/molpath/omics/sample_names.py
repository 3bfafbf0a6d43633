"""Samples of one file, found by the rows of a profile sheet without comparing every row with every name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .barcodes import parse_barcode
from .mutation_files import belongs
from .tables import BadProfile


class SampleNames:
    """The names of the samples in a file, by case of a barcode and by prefix."""

    def __init__(self, names: Iterable[str]):
        self.names = list(dict.fromkeys(names))
        self._known = set(self.names)
        self._by_case: dict[str, list[str]] = {}
        self._by_beginning: dict[str, list[str]] = {}
        for name in self.names:
            if code := parse_barcode(name):
                self._by_case.setdefault(code.case, []).append(name)
            for end, letter in enumerate(name):
                if not letter.isalnum():
                    self._by_beginning.setdefault(name[:end], []).append(name)

    def find(self, row: Mapping[str, str], path: str) -> str:
        """The only name that belongs to a row, '' if none does. Raises BadProfile if several do."""
        row_name = row["column"] or row["case_id"]
        if row["column"] in self._known:
            return row["column"]
        code = parse_barcode(row_name)
        candidates = {*self._by_beginning.get(row_name, ()), *self._by_case.get(code.case if code else "", ())}
        candidates |= {row_name} & self._known
        matches = sorted(name for name in candidates if belongs(name, row))
        if len(matches) > 1:
            raise BadProfile(
                f"{path}: {len(matches)} samples for profile {row['profile_id']} ({', '.join(matches[:4])}); name "
                "exactly one in column `column`"
            )
        return matches[0] if matches else ""
