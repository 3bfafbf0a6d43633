"""Tables of given vectors, one per case or slide, as other tools write them; anything else is refused with a message.

Text is read with the standard library alone, so that planning can check it anywhere; other formats need their library.
"""

from __future__ import annotations

import csv
import io
import os
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .tsv import SHOWN, BadTable, Cells, decode_text, plain_number, read_cells

#: Columns that say whose vector a row is; of a table that has both the first counts.
UNITS = ("slide_id", "case_id")
#: Suffixes of one table; a folder holds an HDF5 file for each vector.
TEXT, OTHERS = (".tsv", ".txt", ".csv"), (".parquet", ".h5ad")
FORMATS = ".tsv, .csv, .parquet, .npy with `ids`, .h5ad, or a folder of .h5 files"
#: The largest number that float32 holds.
LARGEST = 3.4028234e38
#: What may separate cells where commas should.
OTHER_MARKS = {"\t": "tabs", ";": "semicolons"}
#: Names under which the row numbers of a data frame are among its columns (pandas' index, R's row names).
ROW_NUMBERS = re.compile(r"|index|level_\d+|Unnamed: \d+(_level_\d+)?|__index_level_\d+__")


@dataclass(frozen=True)
class Vectors:
    """unit: slide_id or case_id; ids: N of them; values: N rows of D finite numbers (float32); cases: of slides, where
    the table says it, else empty; places: where each row stands; columns: D names of the numbers, where they have any.
    """

    unit: str
    ids: list[str]
    values: Sequence[Any]
    cases: list[str]
    places: list[str]
    columns: Sequence[str] = ()


def files_of(path: str, ids: str = "") -> list[str]:
    """The files of a table: one, or each in a folder, and that of the ids."""
    return (_of_folder(Path(path)) if os.path.isdir(path) else [path]) + [ids] * bool(ids)


def _of_folder(folder: Path) -> list[str]:
    """HDF5 files of a folder, sorted, without hidden ones, which some systems create beside others (._C1.h5)."""
    h5_files = [file for file in folder.iterdir() if file.suffix in (".h5", ".hdf5") and not file.name.startswith(".")]
    return sorted(map(str, h5_files))


def read_ids(path: str, ids: str = "", unit: str = "") -> Vectors | None:
    """What the standard library can read of a table: text completely, for arrays and folders the ids, without values.

    None for other formats. Raises BadTable that names file, row and column.
    """
    if os.path.isdir(path):
        vectors = of_folder(path, unit)
    elif path.endswith(TEXT):
        vectors = _of_cells(path, _cells_of(path))
    elif path.endswith(".npy"):
        vectors = of_array(path, ids)
    elif path.endswith(OTHERS):
        return None
    else:
        raise BadTable(path, "no format of vectors by its name", f"give it as {FORMATS}")
    check_ids(path, vectors)
    return vectors


def check_ids(path: str, vectors: Vectors) -> None:
    """Check that there are vectors, one per id."""
    if not vectors.ids or (len(vectors.values) and not len(vectors.values[0])):
        raise BadTable(path, "no vectors in it", "write a row for each case or slide, with numeric columns")
    first: dict[str, str] = {}
    if all(re.fullmatch(r"[0-9]+\.0", name) for name in vectors.ids):
        problem = f"{vectors.unit}s are fractions ({vectors.ids[0]}, …), as pandas makes them of whole numbers"
        raise BadTable(path, problem, "write them as text or whole numbers, as the study has them")
    for name, location in zip(vectors.ids, vectors.places, strict=True):
        if name != name.strip() or re.search(r"[\x00-\x1f\x7f]|  ", name):
            problem = f"{vectors.unit} {name!r} has white space at an end, twice in a row, or a tab or line end in it"
            raise BadTable(f"{path}, {location}", problem, "take it out of the id")
        if not name:
            raise BadTable(
                f"{path}, {location}", f"{vectors.unit} is empty", "name the case or slide, or take the row out"
            )
        if name in first:
            problem = f"{vectors.unit} {name} is there twice (before in {first[name]})"
            raise BadTable(f"{path}, {location}", problem, "keep one vector of each")
        first[name] = location
    for number, name in enumerate(vectors.columns, 1):
        if ROW_NUMBERS.fullmatch(name):
            column = f"column {name}" if name else f"column {number} of its numbers, which has no name"
            problem = "row numbers, as pandas and R write them, are no part of a vector"
            raise BadTable(f"{path}, {column}", problem, "write it without them (index=False), or take the column out")


def check_labels(path: str, vectors: Vectors, labels: Iterable[str]) -> None:
    """Check that no column of the vectors is a label of a task, which a probe would read. Raises BadTable."""
    for name in vectors.columns:
        if name in labels:
            problem = "a task names it as its label (task_col or extra_cols), but it is among the numbers"
            raise BadTable(f"{path}, column {name}", problem, "take the column out, or rename it if it is no label")


# Text.


def _cells_of(path: str) -> Cells:
    """Cells of a text, by its name."""
    return _comma_cells(path) if path.endswith(".csv") else read_cells(path)


def _comma_cells(path: str) -> Cells:
    """Cells of a CSV: commas between them, quotation marks around those that hold one."""
    reader = csv.reader(io.StringIO(decode_text(path, "comma-separated"), newline=""), strict=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(row)]
    except csv.Error as error:
        raise BadTable(f"{path}, row {reader.line_num + 1}", str(error), "save it as CSV in UTF-8") from None
    while rows and rows[0][1][0].startswith("#"):
        rows.pop(0)
    if not rows:
        raise BadTable(path, "no line in it", "the first line should name the columns")
    header = rows[0][1]
    separator_name = next((plural for separator, plural in OTHER_MARKS.items() if separator in header[0]), "")
    if len(header) == 1 and separator_name:
        problem = f"{header[0][:SHOWN]!r} has no comma, but {separator_name}"
        raise BadTable(f"{path}, header", problem, "write it with commas between its cells (tabs: call it .tsv)")
    for name, count in Counter(filter(None, header)).items():
        if count > 1:
            raise BadTable(f"{path}, header", f"column {name!r} is there {count} times", "rename or remove one")
    for line, row in rows[1:]:
        if len(row) != len(header):
            problem = f"{len(row)} cells, and the header has {len(header)}"
            raise BadTable(f"{path}, row {line}", problem, "one cell per column, separated by commas")
    columns = [i for i, name in enumerate(header) if name or any(row[i] for _, row in rows[1:])]
    cells = [[row[i] for i in columns] for _, row in rows[1:]]
    return Cells([header[i] for i in columns], cells, [line for line, _ in rows[1:]])


def _of_cells(path: str, cells: Cells) -> Vectors:
    """All columns except ids are numbers of the vector."""
    vectors = _with_ids(path, cells)
    numbers = [i for i, name in enumerate(cells.columns) if name not in UNITS]
    values = [_numbers(path, cells, k, numbers) for k in range(len(cells.rows))]
    return replace(vectors, values=values, columns=[cells.columns[i] for i in numbers])


def _with_ids(path: str, cells: Cells) -> Vectors:
    """Ids of the rows, and cases of slides, without values."""
    unit = unit_of(path, cells.columns)
    columns = {name: [row[i] for row in cells.rows] for i, name in enumerate(cells.columns) if name in UNITS}
    cases = columns.get("case_id", []) if unit == "slide_id" else []
    return Vectors(unit, columns[unit], [], cases, [f"row {line}" for line in cells.lines])


def of_array(path: str, ids: str) -> Vectors:
    """Ids of an array's rows, without values."""
    if not ids:
        raise BadTable(path, "an array has no ids", "name under `ids` a TSV with an id for each of its rows")
    vectors = _with_ids(ids, _cells_of(ids))
    return replace(vectors, places=[f"{location} of {ids}" for location in vectors.places])


def of_folder(path: str, unit: str) -> Vectors:
    """Ids of a folder's files by their names, without values."""
    files = files_of(path)
    if not unit:
        raise BadTable(
            path, "file names don't say whether they are slides or cases", "set `unit` to slide_id or case_id"
        )
    if not files:
        raise BadTable(path, "no .h5 file in it", "name the folder of the pooled features itself")
    return Vectors(unit, [Path(file).stem for file in files], [], [], [f"file {Path(file).name}" for file in files])


def unit_of(path: str, columns: Iterable[str]) -> str:
    """The column that says whose vector a row is."""
    names = set(columns)
    unit = next((name for name in UNITS if name in names), "")
    if not unit:
        raise BadTable(f"{path}, header", "no column case_id or slide_id", "name so the column of the ids")
    return unit


def _numbers(path: str, cells: Cells, k: int, columns: Sequence[int]) -> array[float]:
    """The vector of row `k`."""
    row = cells.rows[k]
    try:
        digits = "".join(row[i] for i in columns)
        values = [float(row[i]) for i in columns]
        if digits.isascii() and "_" not in digits and all(abs(value) <= LARGEST for value in values):
            return array("f", values)
    except ValueError:
        pass
    i = next(i for i in columns if not _is_finite(row[i]))
    raise BadTable(
        f"{path}, row {cells.lines[k]}, column {cells.columns[i]}",
        f"{row[i]!r} is no finite number",
        "a vector has numbers alone: correct it, or take the row or column out",
    )


def _is_finite(cell: str) -> bool:
    try:
        return abs(plain_number(cell)) <= LARGEST
    except ValueError:
        return False
