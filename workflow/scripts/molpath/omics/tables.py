"""Delimited tables of users: packed or not, BOM, CRLF, comments, tabs or commas, R's short header."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.csv

from ..common.file_kinds import foreign_format, not_utf8
from ..common.files import open_h5
from ..common.given_h5 import Unusable, check_tree
from ..common.given_parquet import check_parquet
from ..common.given_text import Refused
from .labels import MISSING, are_numbers, are_whole, is_label
from .packed import BadProfile, Unpacked, open_unpacked

#: Name of a first column with an empty header, as pandas and R write it.
NAMELESS = "(no name)"
#: Longest line of a table, in bytes.
LONGEST_LINE = 2**27


def open_text(path: str) -> io.TextIOWrapper:
    """A text stream of a plain or packed file, with any kind of line end; bytes that are no UTF-8 are surrogates."""
    return io.TextIOWrapper(open_unpacked(path), encoding="utf-8-sig", errors="surrogateescape")


class Delimited:
    """The shape of a delimited file: `skip` lines before the header, delimiter, column names.

    quotes: cells may be quoted (in a MAF only if the header's are); empty: a header alone is no error. If rows
    have one cell more than the header, all of them are checked: R leaves out the corner, and some programs end rows,
    but not the header, with a delimiter. Ambiguous files are refused.
    """

    def __init__(self, path: str, skip: int = 0, comments: bool = True, quotes: bool = True, empty: bool = False):
        self.path, self.skip = path, skip
        self._refuse_foreign()
        with open_text(path) as stream:
            for _ in range(skip):
                self._line(stream)
            header, comment = self._line(stream), ""
            while header is not None and (not header.strip() or (comments and header.startswith("#"))):
                self.skip, comment, header = self.skip + 1, header, self._line(stream)  # a # further down is data
            second = self._line(stream)
            while second is not None and not second.strip("\r\n"):
                second = self._line(stream)
        if header is None:
            raise BadProfile(f"{path}: empty, or no header after {self.skip} lines")
        self.is_empty = second is None
        if self.is_empty and not empty:
            raise BadProfile(f"{path}: a header and no row")
        self.quotes = quotes or re.match(r'"[^"]*"[\t,;]', header) is not None
        self.delimiter = self._find_delimiter(header, second or header)
        self.columns = self._cells(header)
        self._refuse_marked_header(comment)
        #: Cells of a row: those of the header, and a nameless one where every row ends in a delimiter.
        self.width = len(self.columns)
        if second is not None and len(self._cells(second)) == len(self.columns) + 1:
            self._find_corner()
        elif len(self.columns) > 1 and not self.columns[-1] and not self.is_empty:
            self._drop_last()
        self.columns[0] = self.columns[0] or NAMELESS
        if len(self.columns) == 1 and " " in header:
            raise BadProfile(f"{path}: neither tabs, commas nor semicolons in {header[:60]!r}: write it with tabs")

    def _refuse_foreign(self) -> None:
        with open_unpacked(self.path) as stream:
            foreign = foreign_format(stream.peek(4096)[:4096])
        if foreign:
            raise BadProfile(
                f"{self.path}: this is {foreign[0]}, and a table of text in UTF-8 is required: {foreign[1]}"
            )

    def _refuse_marked_header(self, comment: str) -> None:
        """Raise BadProfile if the last comment is the header: the first row's values would become sample names."""
        if is_label(self.columns[0]) or not comment.startswith("#"):
            return
        cells = np.array(self.columns[1:], dtype=object)
        if len(self._cells(comment)) == len(self.columns) > 1 and are_numbers(cells):
            raise BadProfile(f"{self.path}: the header begins with #, as comments do ({comment[:40]!r}): remove the #")

    def _line(self, stream: io.TextIOWrapper, number: int = 0) -> str | None:
        """The next line without its end, None after the last. number: of the line, for errors."""
        text = stream.readline(LONGEST_LINE)
        if not text:
            return None
        if len(text) == LONGEST_LINE:
            raise BadProfile(f"{self.path}: a line of more than {LONGEST_LINE >> 20} MiB: this is not a table")
        try:
            data = text.encode("utf-8", "surrogateescape")
            return data.decode().rstrip("\n")
        except UnicodeDecodeError as error:
            location = f"{self.path}, line {number}" if number else self.path
            raise BadProfile(f"{location}: {': '.join(not_utf8(data, error.start))}") from None

    def _find_delimiter(self, header: str, second: str) -> str:
        """Tab, comma or semicolon: the one that gives header and first row equally many cells, or the row one more."""

        def cuts(delimiter: str) -> bool:
            self.delimiter = delimiter
            return len(self._cells(second)) - len(self._cells(header)) in (0, 1)

        delimiters = sorted((char for char in "\t,;" if char in header + second), key=header.count, reverse=True)
        return next(filter(cuts, delimiters), delimiters[0] if delimiters else "\t")

    def _cells(self, line: str, strict: bool = False) -> list[str]:
        """Cells of a line; strict: csv.Error for unpaired quotation marks."""
        if not self.quotes:
            return [cell.strip() for cell in line.split(self.delimiter)]
        return [cell.strip() for cell in next(csv.reader([line], delimiter=self.delimiter, strict=strict))]

    def _find_corner(self) -> None:
        """Find the columns from all rows if rows have one cell more than the header."""
        self.width += 1
        last = self.width - 1
        cells = dict(zip((0, 1, last), map(to_names, self._strings(0, 1, last)), strict=False))
        first, second, ends_empty = cells[0], cells[1], cells[last] == ""
        # A column called gene or sample holds names, and R's row names are unique.
        is_names = is_label(self.columns[0])
        one_aside = not (is_names and (are_numbers(second) or len(set(first)) < len(first)))
        trailing = bool(ends_empty.all()) and not are_whole(first)
        if trailing and not one_aside:
            return
        if one_aside and not ends_empty.any():
            self.columns.insert(0, "")  # R's write.table leaves out the corner
            return
        raise BadProfile(
            f"{self.path}: every row has {self.width} cells, and the header {self.width - 1}: either the row names "
            f"have no header, or rows end in an extra delimiter, and {self.columns[0]!r} doesn't say which: "
            "give header and rows equally many cells"
        )

    def _drop_last(self) -> None:
        """Drop a last column without a header, which must be empty: header and rows end in a delimiter."""
        if (to_names(self._strings(self.width - 1)[0]) != "").any():
            raise BadProfile(
                f"{self.path}: the last column has values and no header; if the names of the rows are what lacks one, "
                "write a header for them"
            )
        self.columns.pop()

    def _strings(self, *positions: int) -> list[pyarrow.ChunkedArray]:
        """Columns by position, as strings; each position once."""
        try:
            return self._parse(dict.fromkeys(positions, pyarrow.string())).columns
        except pyarrow.ArrowInvalid as error:
            raise BadProfile(self._explain([], str(error))) from None

    def require(self, names: Sequence[str], kind: str) -> None:
        """Raise BadProfile unless the columns exist."""
        missing = [name for name in names if name not in self.columns]
        if missing:
            examples = ", ".join(self.columns[:6])
            raise BadProfile(
                f"{self.path}: no column {', '.join(missing)}; this is not a {kind}. The header has {examples}, …"
            )

    def refuse_twice(self, names: Sequence[str]) -> None:
        """Raise BadProfile if a requested column is duplicated, and so ambiguous."""
        counts = Counter(self.columns)
        duplicates = [name for name in names if counts[name] > 1]
        if duplicates:
            raise BadProfile(
                f"{self.path}: column {duplicates[0]} is there {counts[duplicates[0]]} times; rename or remove one"
            )

    def read(self, texts: Sequence[str], numbers: Sequence[str]) -> pyarrow.Table:
        """Columns by name: texts as string, numbers as float64 with nulls for missing values."""
        self.refuse_twice([*texts, *numbers])
        table = self._read([self.columns.index(name) for name in texts], [self.columns.index(name) for name in numbers])
        return table.rename_columns([*texts, *numbers])

    def read_all(self, names: int = 0) -> tuple[np.ndarray, list[str], np.ndarray]:
        """Names in column `names`, the headers of those after it, and their values (float64, rows x columns)."""
        if len(self.columns) < names + 2:
            raise BadProfile(f"{self.path}: one column only ({self.columns[0][:40]!r}); a matrix has names and values")
        table = self._read([names], range(names + 1, len(self.columns)))
        values = np.column_stack([to_numpy(column) for column in table.columns[1:]])
        return to_names(table[0]), self.columns[names + 1 :], values

    def _read(self, texts: Sequence[int], numbers: Sequence[int]) -> pyarrow.Table:
        kinds = dict.fromkeys(texts, pyarrow.string()) | dict.fromkeys(numbers, pyarrow.float64())
        if self.is_empty:
            return pyarrow.table([pyarrow.array([], kind) for kind in kinds.values()], [str(i) for i in kinds])
        try:
            return self._parse(kinds)
        except pyarrow.ArrowInvalid as error:
            raise BadProfile(self._explain(numbers, str(error))) from None

    def _parse(self, kinds: dict[int, pyarrow.DataType]) -> pyarrow.Table:
        # Columns are read by position: a header cell may be missing, empty or duplicated.
        with Unpacked(self.path) as stream:
            table = pyarrow.csv.read_csv(
                stream,
                pyarrow.csv.ReadOptions(
                    skip_rows=self.skip + 1,
                    column_names=[str(i) for i in range(self.width)],
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
            quoted = stream.quoted
        if quoted and self.quotes:
            self._check_lines(table.num_rows)
        return table

    def _check_lines(self, rows: int | None = None) -> None:
        """Raise BadProfile unless every line is one row with as many cells as the first ones.

        rows: number that the parser found; an unpaired quotation mark swallows what follows it.
        """
        count = 0
        for number, line in self._rows():
            count += 1
            if rows is not None and '"' not in line:
                continue
            try:
                cells = self._cells(line, strict=True)
            except csv.Error:
                raise BadProfile(f"{self.path}, line {number}: a quotation mark without its partner") from None
            if len(cells) != self.width:
                quote = "; is a quotation mark without its partner?" if self.quotes and '"' in line else ""
                raise BadProfile(
                    f"{self.path}: rows of unequal length, {len(cells)} cells in line {number} and {self.width} in the "
                    f"first{quote}"
                )
        if rows not in (None, count):
            raise BadProfile(f"{self.path}: {rows} rows read of {count} lines; a quotation mark lacks its partner")

    def _rows(self) -> Iterator[tuple[int, str]]:
        """Number and text of the lines below the header that aren't blank."""
        with open_text(self.path) as stream:
            number = 1
            while (line := self._line(stream, number)) is not None:
                if number > self.skip + 1 and line:
                    yield number, line
                number += 1

    def _explain(self, numbers: Sequence[int], message: str) -> str:
        """The first cell that is not a number, or line that is not UTF-8, else the parser's message."""
        self._check_lines()
        table = self._parse(dict.fromkeys(numbers, pyarrow.string()))
        for position, column in zip(numbers, table.columns, strict=True):
            cells = column.to_pandas()
            is_bad = pd.to_numeric(cells, errors="coerce").isna() & cells.notna() & ~cells.isin(MISSING)
            if is_bad.any():
                line = next(itertools.islice(self._rows(), int(np.flatnonzero(is_bad)[0]), None))[0]
                cell = cells[is_bad].iloc[0]
                comma = " (a decimal comma: write points)" if re.fullmatch(r"-?\d+,\d+", cell) else ""
                return f"{self.path}, line {line}, column {self.columns[position]}: {cell!r} is not a number{comma}"
        return f"{self.path}: {' '.join(message.split())[:200]}"


def to_numpy(column: pyarrow.ChunkedArray) -> np.ndarray:
    """float64 with NaN for missing values."""
    return column.to_numpy().astype(float, copy=False)


def to_names(column: pyarrow.ChunkedArray) -> np.ndarray:
    """Object array of str, '' for missing values."""
    return np.array(["" if name is None else name.strip() for name in column.to_pylist()], dtype=object)


def read_frame(path: str) -> pd.DataFrame:
    """A matrix in Parquet or h5ad as genes x samples or samples x genes (names in index and columns)."""
    if path.endswith(".h5ad"):
        import anndata

        try:
            with open_h5(path) as handle:
                check_tree(handle)
        except (Unusable, OSError) as error:
            raise BadProfile(f"{path}: {error}") from None
        data = anndata.read_h5ad(path)
        values = data.X.toarray() if hasattr(data.X, "toarray") else np.asarray(data.X)
        return pd.DataFrame(values, index=data.obs_names, columns=data.var_names)
    try:
        check_parquet(path)
    except (Refused, OSError, pyarrow.ArrowException) as error:
        raise BadProfile(f"{path}: {error}") from None
    frame = pd.read_parquet(path)
    if not isinstance(frame.index[0] if len(frame) else "", str) and frame.dtypes.iloc[0].kind == "O":
        frame = frame.set_index(frame.columns[0])
    return frame
