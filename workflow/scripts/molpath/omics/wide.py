"""Wide tables, as multimodal studies publish: one row per slide or case, a column per gene and modality, by suffix.

PORPOISE's (TCGA): case_id, slide_id, clinical columns, A1BG_rnaseq, …, TP53_cnv, …, TP53_mut, …, in a zip archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .labels import ROW_LABEL, are_whole
from .tables import NAMELESS, BadProfile, Delimited, to_names, to_numpy

#: Endings of the columns of each kind of measurement; a table has one ending a kind.
SUFFIXES = {
    "expression": ("_rnaseq", "_rna", "_mrna", "_expression"),
    "copies": ("_cnv", "_cna"),
    "mutations": ("_mut", "_mutation"),
}
#: Headers of row numbers, as pandas and R write them (lower case).
NUMBERED = (NAMELESS, "unnamed: 0", "index")
#: What values may be, beside missing, and what they are, in words.
ALLOWED = {"copies": ((-2, -1, 0, 1, 2), "-2 to 2 (not log ratios)"), "mutations": ((0, 1), "0 or 1")}
#: The flags that a mutation can set; a table of 0 and 1 sets one of them.
MUTATION_FLAGS = ("small_coding", "large_coding", "non_coding")


class WideTable:
    """The columns of a wide table, read kind by kind.

    kinds: names of genes by kind, in the order of the file; keys: places of rows by cell, of each column of names.
    """

    def __init__(self, path: str) -> None:
        self.path, self.file = path, Delimited(path)
        self.suffix: dict[str, str] = {}
        self.kinds: dict[str, list[str]] = {}
        for kind, suffixes in SUFFIXES.items():
            found = {end: [name for name in self.file.columns if name.endswith(end)] for end in suffixes}
            found = {end: names for end, names in found.items() if names}
            if len(found) > 1:
                raise BadProfile(f"{path}: {kind} in columns that end in {' and '.join(found)}; name them alike")
            for end, names in found.items():
                self.suffix[kind], self.kinds[kind] = end, [name.removesuffix(end) for name in names]
        keys = [name for name in self.file.columns[1:] if name and ROW_LABEL.fullmatch(name)]
        keys = list(dict.fromkeys([*keys, self.file.columns[0]]))
        table = self.file.read(keys, [])
        self.keys: dict[str, dict[str, list[int]]] = {name: {} for name in keys}
        for name in keys:
            cells = to_names(table[name])
            if len(keys) > 1 and name.lower() in NUMBERED and are_whole(cells):
                del self.keys[name]  # numbers of rows, which ids of cases may look like
                continue
            for place, cell in enumerate(cells):
                self.keys[name].setdefault(cell, []).append(place)

    def values(self, kind: str) -> np.ndarray:
        """float64 rows x genes of a kind; NaN is missing."""
        if kind not in self.kinds:
            endings = ", ".join(SUFFIXES[kind])
            raise BadProfile(f"{self.path}: no column ends in {endings}; this table holds no {kind}")
        names = [f"{gene}{self.suffix[kind]}" for gene in self.kinds[kind]]
        table = self.file.read([], names)
        values = np.column_stack([to_numpy(column) for column in table.columns])
        if kind in ALLOWED:
            check_values(kind, values, self.path, names)
        return values

    def rows_of(self, wanted: str) -> list[int]:
        """Places of the rows of a case, slide or sample; raises BadProfile if there is none."""
        found = [(name, places[wanted]) for name, places in self.keys.items() if wanted in places]
        if found:
            name, rows = max(found, key=lambda one: len(one[1]))
            for other, places in found:
                if not set(places) <= set(rows):
                    raise BadProfile(
                        f"{self.path}: {wanted} stands in columns {name} and {other} of different rows; give the ids "
                        "of one of them a prefix, so that they differ"
                    )
            return rows
        shown = "; ".join(f"{name}: {', '.join(list(places)[:2])}, …" for name, places in self.keys.items())
        raise BadProfile(f"{self.path}: no row {wanted}; the table has {shown}. Correct column `column`")

    def profile(self, values: np.ndarray, wanted: str) -> np.ndarray:
        """Values (genes) of a case, slide or sample; the slides of a case must agree, for they share one profile."""
        rows = self.rows_of(wanted)
        mine = values[rows]
        if not all(np.array_equal(mine[0], other, equal_nan=True) for other in mine[1:]):
            raise BadProfile(
                f"{self.path}: the {len(rows)} rows of {wanted} differ; name one by its slide in column `column`"
            )
        return mine[0]


class MutationTable:
    """0 and 1 for mutated genes: genes x samples or samples x genes, whichever way the sample is found."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.names, self.headers, self.values = Delimited(path).read_all()
        check_values("mutations", self.values, path, self.headers)

    def profile(self, wanted: str) -> pd.Series:
        """Values by gene of a sample; raises BadProfile unless it is there once."""
        rows = np.flatnonzero(self.names == wanted)
        columns = [place for place, name in enumerate(self.headers) if name == wanted]
        if len(rows) + len(columns) != 1:
            told = "no row or column" if not len(rows) + len(columns) else f"{len(rows) + len(columns)} rows or columns"
            shown = f"rows: {', '.join(self.names[:2])}, …; columns: {', '.join(self.headers[:2])}, …"
            raise BadProfile(f"{self.path}: {told} of sample {wanted} ({shown}). Correct column `column`")
        if len(rows):
            return pd.Series(self.values[rows[0]], self.headers)
        return pd.Series(self.values[:, columns[0]], self.names)


def check_values(kind: str, values: np.ndarray, path: str, names: Sequence[str]) -> None:
    """Raise BadProfile at the first value (rows x columns `names`) that the kind can't have."""
    allowed, words = ALLOWED[kind]
    wrong = np.argwhere(~np.isin(values, allowed) & ~np.isnan(values))
    if len(wrong):
        row, column = wrong[0]
        raise BadProfile(
            f"{path}, row {row + 1} of values, column {names[column]}: {values[row, column]:g}; {kind} are {words}"
        )


def wanted_row(row: Mapping[str, str]) -> str:
    """What names a profile's row in a table: column `column` of the sheet, else the case."""
    return row["column"] or row["case_id"]


def read_wide_expression(path: str, rows: Sequence[Mapping[str, str]]) -> tuple[list[str], list[np.ndarray]]:
    """Genes, and one array of values per row of the sheet."""
    table = WideTable(path)
    values = table.values("expression")
    return table.kinds["expression"], [table.profile(values, wanted_row(row)) for row in rows]


def measured_in(row: Mapping[str, str], files: dict) -> dict[str, pd.Series]:
    """Values by gene (missing: NaN) of a DNA row of the sheet: `copies` and `mutations`, or one of them.

    files: what was read, by format and path. Of 0 and 1 the sheet says in column unit which kind of mutation 1 is.
    """
    key = (row["format"], row["path"])
    if key not in files:
        files[key] = MutationTable(row["path"]) if row["format"] == "mutation_table" else read_wide_dna(row["path"])
    if isinstance(files[key], MutationTable):
        found = {"mutations": files[key].profile(wanted_row(row))}
    else:
        table, values = files[key]
        mine = {kind: table.profile(numbers, wanted_row(row)) for kind, numbers in values.items()}
        found = {kind: pd.Series(numbers, table.kinds[kind]) for kind, numbers in mine.items()}
    if "mutations" in found and row["unit"] not in MUTATION_FLAGS:
        told = f"unit {row['unit']!r}" if row["unit"] else "column unit is empty"
        raise BadProfile(
            f"{row['path']}, profile {row['profile_id']}: {told}; 0 and 1 don't say which kind of mutation 1 is: write "
            f"one of {', '.join(MUTATION_FLAGS)}"
        )
    return found


def read_wide_dna(path: str) -> tuple[WideTable, dict[str, np.ndarray]]:
    """A wide table and its copy numbers and mutations (rows x genes), those that it has."""
    table = WideTable(path)
    kinds = [kind for kind in ("copies", "mutations") if kind in table.kinds]
    if not kinds:
        raise BadProfile(f"{path}: no column ends in _cnv or _mut; this table holds no copy numbers and no mutations")
    return table, {kind: table.values(kind) for kind in kinds}
