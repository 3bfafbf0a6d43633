"""Wide tables of multimodal studies: one row per slide or case, one column per gene and modality, by suffix.

PORPOISE's (TCGA): case_id, slide_id, clinical columns, A1BG_rnaseq, …, TP53_cnv, …, TP53_mut, …, in a zip archive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .labels import ROW_LABEL, are_whole
from .tables import NAMELESS, BadProfile, Delimited, to_names, to_numpy

#: Suffixes of the columns of each kind of measurement; a table has one suffix per kind.
SUFFIXES = {
    "expression": ("_rnaseq", "_rna", "_mrna", "_expression"),
    "copies": ("_cnv", "_cna"),
    "mutations": ("_mut", "_mutation"),
}
#: Headers of row numbers, as pandas and R write them (lower case).
NUMBERED = (NAMELESS, "unnamed: 0", "index")
#: Allowed values, besides missing, and their description.
ALLOWED = {"copies": ((-2, -1, 0, 1, 2), "-2 to 2 (not log ratios)"), "mutations": ((0, 1), "0 or 1")}
#: The flags that a mutation can set; a table of 0 and 1 sets one of them.
MUTATION_FLAGS = ("small_coding", "large_coding", "non_coding")


class WideTable:
    """The columns of a wide table, read kind by kind.

    kinds: names of genes by kind, in the order of the file; keys: positions of rows by cell, for each column of names.
    """

    def __init__(self, path: str) -> None:
        self.path, self.file = path, Delimited(path)
        self.suffix: dict[str, str] = {}
        self.kinds: dict[str, list[str]] = {}
        for kind, suffixes in SUFFIXES.items():
            names_by_ending = {end: [name for name in self.file.columns if name.endswith(end)] for end in suffixes}
            names_by_ending = {end: names for end, names in names_by_ending.items() if names}
            if len(names_by_ending) > 1:
                raise BadProfile(
                    f"{path}: {kind} in columns that end in {' and '.join(names_by_ending)}; name them alike"
                )
            for end, names in names_by_ending.items():
                self.suffix[kind], self.kinds[kind] = end, [name.removesuffix(end) for name in names]
        keys = [name for name in self.file.columns[1:] if name and ROW_LABEL.fullmatch(name)]
        keys = list(dict.fromkeys([*keys, self.file.columns[0]]))
        table = self.file.read(keys, [])
        self.keys: dict[str, dict[str, list[int]]] = {name: {} for name in keys}
        for name in keys:
            cells = to_names(table[name])
            if len(keys) > 1 and name.lower() in NUMBERED and are_whole(cells):
                del self.keys[name]  # row numbers, which may look like ids of cases
                continue
            for position, cell in enumerate(cells):
                self.keys[name].setdefault(cell, []).append(position)

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

    def rows_of(self, row_key: str) -> list[int]:
        """Positions of the rows of a case, slide or sample; raises BadProfile if there is none."""
        matches = [(name, places[row_key]) for name, places in self.keys.items() if row_key in places]
        if matches:
            name, rows = max(matches, key=lambda match: len(match[1]))
            for other_column, places in matches:
                if not set(places) <= set(rows):
                    raise BadProfile(
                        f"{self.path}: {row_key} is in columns {name} and {other_column} of different rows; "
                        "give the ids of one of them a prefix, so that they differ"
                    )
            return rows
        examples = "; ".join(f"{name}: {', '.join(list(places)[:2])}, …" for name, places in self.keys.items())
        raise BadProfile(f"{self.path}: no row {row_key}; the table has {examples}. Correct column `column`")

    def profile(self, values: np.ndarray, row_key: str) -> np.ndarray:
        """Values (genes) of a case, slide or sample; the slides of a case must agree: they share one profile."""
        rows = self.rows_of(row_key)
        profiles = values[rows]
        if not all(np.array_equal(profiles[0], other_row, equal_nan=True) for other_row in profiles[1:]):
            raise BadProfile(
                f"{self.path}: the {len(rows)} rows of {row_key} differ; name one by its slide in column `column`"
            )
        return profiles[0]


class MutationTable:
    """0 and 1 for mutated genes: genes x samples or samples x genes, depending on where the sample is found."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.names, self.headers, self.values = Delimited(path).read_all()
        check_values("mutations", self.values, path, self.headers)

    def profile(self, sample: str) -> pd.Series:
        """Values by gene of a sample; raises BadProfile unless it occurs once."""
        rows = np.flatnonzero(self.names == sample)
        columns = [position for position, name in enumerate(self.headers) if name == sample]
        if len(rows) + len(columns) != 1:
            count_text = (
                "no row or column" if not len(rows) + len(columns) else f"{len(rows) + len(columns)} rows or columns"
            )
            examples = f"rows: {', '.join(self.names[:2])}, …; columns: {', '.join(self.headers[:2])}, …"
            raise BadProfile(f"{self.path}: {count_text} of sample {sample} ({examples}). Correct column `column`")
        if len(rows):
            return pd.Series(self.values[rows[0]], self.headers)
        return pd.Series(self.values[:, columns[0]], self.names)


def check_values(kind: str, values: np.ndarray, path: str, names: Sequence[str]) -> None:
    """Raise BadProfile at the first value (rows x columns `names`) that the kind can't have."""
    allowed, description = ALLOWED[kind]
    bad_cells = np.argwhere(~np.isin(values, allowed) & ~np.isnan(values))
    if len(bad_cells):
        row, column = bad_cells[0]
        raise BadProfile(
            f"{path}, row {row + 1} of values, column {names[column]}: {values[row, column]:g}; {kind} are "
            f"{description}"
        )


def row_key_of(row: Mapping[str, str]) -> str:
    """The name of a profile's row in a table: column `column` of the sheet, else the case."""
    return row["column"] or row["case_id"]


def read_wide_expression(path: str, rows: Sequence[Mapping[str, str]]) -> tuple[list[str], list[np.ndarray]]:
    """Genes, and one array of values per row of the sheet."""
    table = WideTable(path)
    values = table.values("expression")
    return table.kinds["expression"], [table.profile(values, row_key_of(row)) for row in rows]


def measured_in(row: Mapping[str, str], files: dict) -> dict[str, pd.Series]:
    """Values by gene (missing: NaN) of a DNA row of the sheet: `copies` and `mutations`, or one of them.

    files: what was read, by format and path. Of 0 and 1 the sheet says in column unit which kind of mutation 1 is.
    """
    key = (row["format"], row["path"])
    if key not in files:
        files[key] = MutationTable(row["path"]) if row["format"] == "mutation_table" else read_wide_dna(row["path"])
    if isinstance(files[key], MutationTable):
        measured = {"mutations": files[key].profile(row_key_of(row))}
    else:
        table, values = files[key]
        values_of = {kind: table.profile(numbers, row_key_of(row)) for kind, numbers in values.items()}
        measured = {kind: pd.Series(numbers, table.kinds[kind]) for kind, numbers in values_of.items()}
    if "mutations" in measured and row["unit"] not in MUTATION_FLAGS:
        unit_text = f"unit {row['unit']!r}" if row["unit"] else "column unit is empty"
        raise BadProfile(
            f"{row['path']}, profile {row['profile_id']}: {unit_text}; 0 and 1 don't say which kind of mutation 1 "
            f"is: write one of {', '.join(MUTATION_FLAGS)}"
        )
    return measured


def read_wide_dna(path: str) -> tuple[WideTable, dict[str, np.ndarray]]:
    """A wide table and its copy numbers and mutations (rows x genes), those that it has."""
    table = WideTable(path)
    kinds = [kind for kind in ("copies", "mutations") if kind in table.kinds]
    if not kinds:
        raise BadProfile(f"{path}: no column ends in _cnv or _mut; this table holds no copy numbers and no mutations")
    return table, {kind: table.values(kind) for kind in kinds}
