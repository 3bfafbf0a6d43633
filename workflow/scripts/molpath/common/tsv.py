"""The dialect of sheets, tasks and manifests, in validation and in every job.

UTF-8 (a byte order mark is taken off), cells between tabs, one row per line, as many cells in a row as in the header. A
quotation mark is a character like any other. Lines that begin with # before the header are comments. A cell that a
spreadsheet would read as a formula is written with an apostrophe before it, which readers remove.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from .file_kinds import foreign_format, not_utf8

#: What may separate cells where tabs should, and how much of a header a message shows.
SEPARATORS, SHOWN = {",": "commas", ";": "semicolons", " ": "spaces"}, 60
#: No sheet has more columns, or more bytes.
MOST_COLUMNS, LONGEST = 100_000, 1 << 30
WITHOUT_QUOTES = (
    "write it without quotes (R: write.table(…, quote=FALSE, sep='\\t', row.names=FALSE); pandas: quoting=3)"
)


#: What a spreadsheet computes: = + - or @ with something behind it. Numbers and intervals are no such cells.
_FORMULA = re.compile(r"'*[=+\-@].")
_NUMBERS = re.compile(
    r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|inf|nan)( ?%)?( \([-+\d.e]+ to [-+\d.e]+\))?", re.IGNORECASE | re.ASCII
)
_DEFUSED = re.compile(r"'+[=+\-@].")


class BadTable(ValueError):
    """A sheet can't be read: where (file and row), what is wrong, what to do."""

    def __init__(self, location: str, problem: str, remedy: str) -> None:
        super().__init__(f"{location}: {problem}: {remedy}")
        self.where, self.wrong, self.remedy = location, problem, remedy


class Cells(NamedTuple):
    """A sheet as strings: column names, rows of as many cells, and the line number of each row (from 1)."""

    columns: list[str]
    rows: list[list[str]]
    lines: list[int]


def read_cells(path: str | os.PathLike[str]) -> Cells:
    """Every cell of a sheet; blank lines are no rows, and columns with neither name nor cells no columns.

    Raises BadTable for what isn't in the dialect.
    """
    text = decode_text(path)
    lines = text.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("#")), None)
    if first is None:
        problem = "no line but comments" if text.strip() else "empty"
        raise BadTable(f"{path}", problem, "the first line should name the columns")
    if lines[first].count("\t") >= MOST_COLUMNS:
        problem = f"{lines[first].count('	') + 1} columns, more than {MOST_COLUMNS}"
        raise BadTable(f"{path}, header", problem, "is this the right file? Remove unneeded columns")
    header = lines[first].split("\t")
    _check_header(path, header, lines[first])
    body = [(number, line) for number, line in enumerate(lines[first + 1 :], first + 2) if line.strip("\r\n ")]
    for number, line in body:
        if (count := line.count("\t") + 1) != len(header):
            raise BadTable(f"{path}, row {number}", *_unequal(count, header))
    numbers, rows = [number for number, _ in body], [line.split("\t") for _, line in body]
    if "'" in text:
        header, rows = [as_meant(name) for name in header], [[as_meant(cell) for cell in row] for row in rows]
    return _without_unnamed(path, Cells(header, rows, numbers))


def decode_text(path: str | os.PathLike[str], separated: str = "tab-separated") -> str:
    """Text of a file in UTF-8, its line ends as newlines; separated: how a message calls it. Raises BadTable."""
    with open(path, "rb") as handle:
        data = handle.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise BadTable(
            f"{path}", f"more than {LONGEST >> 20} MiB of text", "is this the right file? Split it, or pack it"
        )
    if foreign := foreign_format(data[:4096]):
        raise BadTable(f"{path}", f"this is {foreign[0]}, and {separated} text in UTF-8 is required", foreign[1])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise BadTable(f"{path}, row {row}", *not_utf8(data, error.start)) from None
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _check_header(path: str | os.PathLike[str], header: Sequence[str], line: str) -> None:
    """Raise BadTable for a header with another separator than tabs, in quotes, or with a column twice."""
    location, excerpt = f"{path}, header", repr(line if len(line) <= SHOWN else f"{line[:SHOWN]}…")
    separator_name = next((plural for separator, plural in SEPARATORS.items() if separator in line.strip()), "")
    if len(header) == 1 and separator_name:
        raise BadTable(
            location, f"{excerpt} has no tab, but {separator_name}", "write the table with tabs between its cells"
        )
    if any(len(name) > 1 and name[0] == name[-1] == '"' for name in header):
        raise BadTable(location, f"names in quotes ({excerpt}), which are part of a cell here", WITHOUT_QUOTES)
    for name, count in Counter(filter(None, header)).items():
        if count > 1:
            times = "twice" if count == 2 else f"{count} times"
            raise BadTable(location, f"column {name} is there {times}", "rename or remove one")


def _unequal(count: int, header: Sequence[str]) -> tuple[str, str]:
    """What is wrong with a row that has more or fewer cells than the header, and what to do."""
    remedy = "one cell per column, separated by tabs"
    if count == len(header) + 1:
        remedy += "; take off a tab at the end of rows, or the row names that R puts in front"
    elif count < len(header):
        remedy += "; an empty cell needs its tab, too"
    return f"{count} cell{'s' * (count > 1)}, and the header has {len(header)}", remedy


def _without_unnamed(path: str | os.PathLike[str], cells: Cells) -> Cells:
    """The sheet without its empty columns that have no name, as spreadsheets leave them."""
    unnamed = [position for position, name in enumerate(cells.columns) if not name]
    for row, number in zip(cells.rows, cells.lines, strict=True):
        for position in unnamed:
            if row[position]:
                problem = f"{row[position]!r} in column {position + 1}, which has no name"
                raise BadTable(f"{path}, row {number}", problem, "name the column in the header, or remove it")
    if not unnamed:
        return cells
    named = [position for position, name in enumerate(cells.columns) if name]
    rows = [[row[position] for position in named] for row in cells.rows]
    return Cells([cells.columns[position] for position in named], rows, cells.lines)


def plain_number(cell: str) -> float:
    """The number of a cell; raises ValueError for what only Python takes for one: 1_000, digits of other scripts."""
    if "_" in cell or not cell.isascii():
        raise ValueError(f"{cell!r} is no number in plain digits")
    return float(cell)


def one_line(text: str) -> str:
    """`text` on one line: tabs and line ends become a space."""
    return re.sub(r"[\t\r\n]+", " ", text)


def defused(cell: str) -> str:
    """`cell` as it is written: with an apostrophe if a spreadsheet would evaluate it; numbers stay unchanged."""
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBERS.fullmatch(cell) else cell


def as_meant(cell: str) -> str:
    """The inverse of `defused`."""
    return cell[1:] if _DEFUSED.match(cell) else cell
