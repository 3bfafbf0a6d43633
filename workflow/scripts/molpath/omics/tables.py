"""Delimited tables as users have them: gzip or not, BOM, CRLF, comments, tabs or commas, R's short header."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv

#: What stands for a missing value; anything else that isn't a number is an error.
MISSING = ["", "NA", "NaN", "nan", "N/A", "n/a", "null", "NULL", "None", "."]


class BadProfile(Exception):
    """A profile can't be read as its row of the sheet says."""


def is_gzip(path: str) -> bool:
    """By the first two bytes, for names lie."""
    with open(path, "rb") as handle:
        return handle.read(2) == b"\x1f\x8b"


def open_text(path: str):
    """A text stream of a plain or gzipped file, BOM taken off."""
    return gzip.open(path, "rt", encoding="utf-8-sig") if is_gzip(path) else open(path, encoding="utf-8-sig")


class Delimited:
    """The shape of a delimited file: `skip` lines before the header, delimiter, column names.

    quotes: cells may be quoted (a MAF's never are); empty: a header alone is no error.
    """

    def __init__(self, path: str, skip: int = 0, comments: bool = True, quotes: bool = True, empty: bool = False):
        self.path, self.skip, self.quotes = path, skip, quotes
        try:
            with open_text(path) as handle:
                for _ in range(skip):
                    handle.readline()
                header = handle.readline()
                while comments and header.startswith("#"):  # a # further down is data
                    self.skip, header = self.skip + 1, handle.readline()
                second = handle.readline()
        except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
            raise BadProfile(f"{path}: no text that can be read ({error})") from None
        header, second = header.rstrip("\r\n"), second.rstrip("\r\n")
        if not header.strip():
            raise BadProfile(f"{path}: empty, or no header after {self.skip} lines")
        self.delimiter = max("\t,;", key=header.count)
        self.columns = self._cells(header)
        if second and len(self._cells(second)) == len(self.columns) + 1:
            self.columns.insert(0, "")  # R's write.table leaves out the corner
        self.columns[0] = self.columns[0] or "name"
        self.is_empty = not second
        if self.is_empty and not empty:
            raise BadProfile(f"{path}: a header and no row")

    def _cells(self, line: str) -> list[str]:
        cells = next(csv.reader([line], delimiter=self.delimiter)) if self.quotes else line.split(self.delimiter)
        return [cell.strip() for cell in cells]

    def require(self, names: Sequence[str], what: str) -> None:
        """Raise BadProfile unless the columns are there."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            seen = ", ".join(self.columns[:6])
            raise BadProfile(
                f"{self.path}: no column {', '.join(missing)}; this is no {what}. The header has {seen}, …"
            )

    def refuse_twice(self, names: Sequence[str]) -> None:
        """Raise BadProfile if a wanted column is there twice: nobody can say which is meant."""
        counts = Counter(self.columns)
        twice = [name for name in names if counts[name] > 1]
        if twice:
            raise BadProfile(f"{self.path}: column {twice[0]} is there {counts[twice[0]]} times; rename or remove one")

    def read(self, texts: Sequence[str], numbers: Sequence[str]) -> pyarrow.Table:
        """Columns by name: texts as string, numbers as float64 with nulls where a value is missing."""
        self.refuse_twice([*texts, *numbers])
        table = self._read([self.columns.index(name) for name in texts], [self.columns.index(name) for name in numbers])
        return table.rename_columns([*texts, *numbers])

    def read_all(self) -> tuple[np.ndarray, np.ndarray]:
        """Names in the first column and float64 values of all others, rows x columns, whatever the header says."""
        if len(self.columns) < 2:
            raise BadProfile(f"{self.path}: one column only ({self.columns[0][:40]!r}); a matrix has names and values")
        table = self._read([0], range(1, len(self.columns)))
        return to_names(table[0]), np.column_stack([to_numpy(column) for column in table.columns[1:]])

    def _read(self, texts: Sequence[int], numbers: Sequence[int]) -> pyarrow.Table:
        kinds = dict.fromkeys(texts, pyarrow.string()) | dict.fromkeys(numbers, pyarrow.float64())
        if self.is_empty:
            return pyarrow.table([pyarrow.array([], kind) for kind in kinds.values()], [str(i) for i in kinds])
        try:
            return self._parse(kinds)
        except pyarrow.ArrowInvalid as error:
            raise BadProfile(self._explain(numbers, str(error))) from None

    def _parse(self, kinds: dict[int, pyarrow.DataType]) -> pyarrow.Table:
        # Columns are read by their places: a header cell may be missing, empty or there twice.
        with pyarrow.input_stream(self.path, compression="gzip" if is_gzip(self.path) else None) as stream:
            return pyarrow.csv.read_csv(
                stream,
                pyarrow.csv.ReadOptions(
                    skip_rows=self.skip + 1,
                    column_names=[str(i) for i in range(len(self.columns))],
                    use_threads=False,
                    block_size=1 << 24,
                ),
                pyarrow.csv.ParseOptions(delimiter=self.delimiter, quote_char='"' if self.quotes else False),
                pyarrow.csv.ConvertOptions(
                    include_columns=[str(i) for i in kinds],
                    column_types={str(i): kind for i, kind in kinds.items()},
                    null_values=MISSING,
                ),
            )

    def _explain(self, numbers: Sequence[int], message: str) -> str:
        """Name the first cell that is no number, or give the parser's own words."""
        try:
            table = self._parse(dict.fromkeys(numbers, pyarrow.string()))
        except pyarrow.ArrowInvalid:
            return f"{self.path}: rows of unequal length or no table ({message[:200]})"
        for place, column in zip(numbers, table.columns, strict=True):
            cells = column.to_pandas()
            wrong = pd.to_numeric(cells, errors="coerce").isna() & cells.notna() & ~cells.isin(MISSING)
            if wrong.any():
                line = int(np.flatnonzero(wrong)[0]) + self.skip + 2
                return f"{self.path}, line {line}, column {self.columns[place]}: {cells[wrong].iloc[0]!r} is no number"
        return f"{self.path}: {message[:200]}"


def to_numpy(column: pyarrow.ChunkedArray) -> np.ndarray:
    """float64 with NaN for what is missing."""
    return column.to_numpy().astype(float, copy=False)


def to_names(column: pyarrow.ChunkedArray) -> np.ndarray:
    """Object array of str, '' for what is missing."""
    return np.array(["" if name is None else name.strip() for name in column.to_pylist()], dtype=object)


def read_frame(path: str) -> pd.DataFrame:
    """A matrix in Parquet or h5ad as genes x samples or samples x genes (names in index and columns)."""
    if path.endswith(".h5ad"):
        import anndata

        data = anndata.read_h5ad(path)
        values = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
        return pd.DataFrame(values, index=data.obs_names, columns=data.var_names)
    frame = pd.read_parquet(path)
    if not isinstance(frame.index[0] if len(frame) else "", str) and frame.dtypes.iloc[0].kind == "O":
        frame = frame.set_index(frame.columns[0])
    return frame
