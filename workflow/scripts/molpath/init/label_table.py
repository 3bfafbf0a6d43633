"""Tables of labels: CSV or TSV, from a spreadsheet, a hospital's system or R."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common.tsv import BadTable, decode_text
from .draft import Refusal

#: Contents of cells without a value.
EMPTY = {
    *("", "na", "n/a", "n.a.", "nan", "null", "#n/a", "#value!", "#div/0!", "-", "--", "'--", "?"),
    *("[not available]", "[not applicable]", "[not evaluated]", "[unknown]", "[discrepancy]"),
}
#: Words for unknown values. They are not classes, and their cases are reported.
UNSAID = {"unknown", "unk", "not_reported", "not_available", "not_applicable", "not_evaluated", "not_done", "missing"}
#: Signs as classes: with these `-` is a value.
PLUS = re.compile(r"[0-9]?\++")


@dataclass(frozen=True)
class Labels:
    """A table of labels: its columns, and its rows with '' where a cell is empty or says so (NA, nan, …).

    hidden: number of rows that begin with # and are left out.
    """

    path: str
    columns: list[str]
    rows: list[dict[str, str]]
    hidden: int = 0

    @property
    def name(self) -> str:
        """The file's name, as messages say it."""
        return Path(self.path).name

    def with_words(self, spellings: Sequence[str]) -> list[str]:
        """Columns whose normalised name is in `spellings`."""
        return [column for column in self.columns if plain(column) in spellings]

    def check(self, column: str | None, option: str) -> None:
        """Refuse a missing column."""
        if column is not None and column not in self.columns:
            raise Refusal(f"{option} {column}: {self.name} has no such column, but {', '.join(self.columns)}")


def plain(column: str) -> str:
    """A column's name in lower case, words separated by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def read_labels(path: str) -> Labels:
    """The table; a byte order mark, semicolons, quotes and any line ends are accepted. Raises Refusal."""
    if not Path(path).is_file():
        raise Refusal(f"--labels {path}: no such file")
    try:
        text = decode_text(path, "comma-separated")
    except BadTable as error:
        is_workbook = "Excel" in error.wrong
        remedy = "save its sheet as CSV UTF-8 (File, Save As) and give that" if is_workbook else error.remedy
        raise Refusal(f"--labels {error.where}: {error.wrong}: {remedy}") from None
    except OSError as error:
        raise Refusal(f"--labels {path}: {error.strerror}") from None
    lines = text.split("\n")
    first = _header(lines)
    separator = max("\t,;", key=lines[first].count) if lines else ","
    reader = csv.reader(io.StringIO("\n".join(lines[first:]), newline=""), delimiter=separator)
    try:
        cells = [(first + reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise Refusal(f"--labels {path}: {error}: save it as CSV in UTF-8") from None
    if len(cells) < 2:
        raise Refusal(f"--labels {path}: no rows below a header")
    return _of_cells(path, cells, decimal_comma=separator == ";")


def _header(lines: Sequence[str]) -> int:
    """The line of the header: the first that is no comment, or a single comment before it with as many cells."""
    filled = [position for position, line in enumerate(lines) if line.strip()]
    first = next((position for position in filled if not re.match(r"#(?![\t,;])", lines[position])), 0)
    comments = filled[: filled.index(first)] if first in filled else []
    cells = [len(re.findall(r"[\t,;]", lines[position])) for position in (*comments, first)]
    return comments[0] if len(comments) == 1 and cells[0] == cells[1] > 0 else first


def _of_cells(path: str, cells: Sequence[tuple[int, list[str]]], decimal_comma: bool) -> Labels:
    """The table of cells with their lines."""
    columns = [name.strip() for name in cells[0][1]]
    columns[0] = columns[0] if columns[0] == "#" else columns[0].lstrip("#")
    while columns and not columns[-1]:
        columns.pop()
    if duplicates := [name for name in columns if name and columns.count(name) > 1]:
        raise Refusal(f"--labels {path}: column {duplicates[0]!r} is there twice: rename or remove one")
    rows: list[dict[str, str]] = []
    table_rows = [(line, list(map(str.strip, row))) for line, row in cells[1:] if not row[0].startswith("#")]
    for line, row in table_rows:
        # Spreadsheets leave empty cells behind the last column.
        while len(row) > len(columns) and not row[-1]:
            row.pop()
        if len(row) != len(columns):
            raise Refusal(f"--labels {path}, row {line}: {len(row)} cells, and the header has {len(columns)}")
        rows.append(dict(zip(columns, row, strict=True)))
    for name in columns:
        _clean(rows, name, decimal_comma)
    return Labels(path, [name for name in columns if name], rows, len(cells) - 1 - len(table_rows))


def _clean(rows: Sequence[dict[str, str]], name: str, decimal_comma: bool) -> None:
    """Empty the cells of a column that hold no value, and write fractions with a point."""
    signs = any(PLUS.fullmatch(row[name]) for row in rows)
    for row in rows:
        cell = row[name]
        if cell.lower() in EMPTY and not (signs and cell in ("-", "--")):
            row[name] = ""
        elif decimal_comma and re.fullmatch(r"-?\d+,\d+", cell):
            row[name] = cell.replace(",", ".")


def check_decimals(column: str, cells: Sequence[str]) -> None:
    """Refuse numbers that are ambiguous: 1.234 may be a fraction or a thousand."""
    remedy = "write decimals with a point, and thousands without a separator"
    if comma := next((cell for cell in cells if "," in cell and re.fullmatch(r"-?[\d.,]+", cell)), ""):
        raise Refusal(f"column {column}: {comma!r} has a comma: {remedy}")
    pointed = [cell for cell in cells if "." in cell]
    has_integer = any(re.fullmatch(r"\d+", cell) for cell in cells)
    if has_integer and pointed and all(re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", cell) for cell in pointed):
        problem = f"{pointed[0]!r} beside whole numbers could be a fraction or a thousand"
        raise Refusal(f"column {column}: {problem}: {remedy} (a fraction of three digits: {pointed[0]}0)")
