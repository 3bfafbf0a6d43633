"""A table of labels as people have them: CSV or TSV, from a spreadsheet, a hospital's system or R."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common.tsv import BadTable, decode_text
from .draft import Refusal

#: What cells hold where there is no value.
EMPTY = {
    *("", "na", "n/a", "n.a.", "nan", "null", "#n/a", "#value!", "#div/0!", "-", "--", "'--", "?"),
    *("[not available]", "[not applicable]", "[not evaluated]", "[unknown]", "[discrepancy]"),
}
#: Words that say that nothing is known. They are no classes, and what they leave out is said.
UNSAID = {"unknown", "unk", "not_reported", "not_available", "not_applicable", "not_evaluated", "not_done", "missing"}
#: Signs as classes: beside these `-` is a value.
PLUS = re.compile(r"[0-9]?\++")


@dataclass(frozen=True)
class Labels:
    """A table of labels: its columns, and its rows with '' where a cell is empty or says so (NA, nan, …).

    hidden: rows that begin with # and are left out.
    """

    path: str
    columns: list[str]
    rows: list[dict[str, str]]
    hidden: int = 0

    @property
    def name(self) -> str:
        """The file's name, as messages say it."""
        return Path(self.path).name

    def with_words(self, words: Sequence[str]) -> list[str]:
        """Columns that are called one of `words`, however spelled."""
        return [column for column in self.columns if plain(column) in words]

    def check(self, column: str | None, option: str) -> None:
        """Refuse a column that isn't there."""
        if column is not None and column not in self.columns:
            raise Refusal(f"{option} {column}: {self.name} has no such column, but {', '.join(self.columns)}")


def plain(column: str) -> str:
    """A column's name in lower case, words split by `_`."""
    return re.sub(r"[^a-z0-9]+", "_", column.lower()).strip("_")


def read_labels(path: str) -> Labels:
    """The table; a byte order mark, semicolons, quotes and any line ends are fine. Raises Refusal for what is none."""
    if not Path(path).is_file():
        raise Refusal(f"--labels {path}: no such file")
    try:
        text = decode_text(path, "comma-separated")
    except BadTable as error:
        book = "Excel" in error.wrong
        remedy = "save its sheet as CSV UTF-8 (File, Save As) and give that" if book else error.remedy
        raise Refusal(f"--labels {error.where}: {error.wrong}: {remedy}") from None
    except OSError as error:
        raise Refusal(f"--labels {path}: {error.strerror}") from None
    lines = text.split("\n")
    first = _header(lines)
    mark = max("\t,;", key=lines[first].count) if lines else ","
    reader = csv.reader(io.StringIO("\n".join(lines[first:]), newline=""), delimiter=mark)
    try:
        cells = [(first + reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise Refusal(f"--labels {path}: {error}: save it as CSV in UTF-8") from None
    if len(cells) < 2:
        raise Refusal(f"--labels {path}: no rows below a header")
    return _of_cells(path, cells, decimal_comma=mark == ";")


def _header(lines: Sequence[str]) -> int:
    """Which line names the columns: the first that is no comment, or a single one before it of as many cells."""
    told = [place for place, line in enumerate(lines) if line.strip()]
    first = next((place for place in told if not re.match(r"#(?![\t,;])", lines[place])), 0)
    above = told[: told.index(first)] if first in told else []
    cells = [len(re.findall(r"[\t,;]", lines[place])) for place in (*above, first)]
    return above[0] if len(above) == 1 and cells[0] == cells[1] > 0 else first


def _of_cells(path: str, cells: Sequence[tuple[int, list[str]]], decimal_comma: bool) -> Labels:
    """The table of cells with their lines."""
    columns = [name.strip() for name in cells[0][1]]
    columns[0] = columns[0] if columns[0] == "#" else columns[0].lstrip("#")
    while columns and not columns[-1]:
        columns.pop()
    if twice := [name for name in columns if name and columns.count(name) > 1]:
        raise Refusal(f"--labels {path}: column {twice[0]!r} is there twice: rename or remove one")
    rows: list[dict[str, str]] = []
    shown = [(line, list(map(str.strip, row))) for line, row in cells[1:] if not row[0].startswith("#")]
    for line, row in shown:
        # Spreadsheets leave empty cells behind the last column.
        while len(row) > len(columns) and not row[-1]:
            row.pop()
        if len(row) != len(columns):
            raise Refusal(f"--labels {path}, row {line}: {len(row)} cells, and the header has {len(columns)}")
        rows.append(dict(zip(columns, row, strict=True)))
    for name in columns:
        _clean(rows, name, decimal_comma)
    return Labels(path, [name for name in columns if name], rows, len(cells) - 1 - len(shown))


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
    """Refuse numbers of which nobody can say whether 1.234 is a fraction or a thousand."""
    remedy = "write decimals with a point, and thousands without any mark"
    if comma := next((cell for cell in cells if "," in cell and re.fullmatch(r"-?[\d.,]+", cell)), ""):
        raise Refusal(f"column {column}: {comma!r} has a comma: {remedy}")
    pointed = [cell for cell in cells if "." in cell]
    whole = any(re.fullmatch(r"\d+", cell) for cell in cells)
    if whole and pointed and all(re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", cell) for cell in pointed):
        told = f"{pointed[0]!r} beside whole numbers could be a fraction or a thousand"
        raise Refusal(f"column {column}: {told}: {remedy} (a fraction of three digits: {pointed[0]}0)")
