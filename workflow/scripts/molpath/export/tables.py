"""Every table of the results as Parquet: one file per entry of results.yaml, with types and what columns hold."""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ..common.files import atomic_path, is_being_written, is_temporary, read_tsv, write_tsv
from ..common.task_rules import is_integer
from ..common.tsv import plain_number
from .asked import remove_outdated
from .described import NEW_SLIDES, Kind, Table, find_tables, names_of, read_tables

TYPES: Mapping[Kind, pa.DataType] = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
AS_NUMBERS = "list the column under `numbers` of its table in workflow/schemas/results.yaml"
#: Columns of the list of what was written.
LISTED = ("table", "file", "rows", "columns", "files", "path", "row")


def write_tables(
    results: str | os.PathLike[str],
    schema: str | os.PathLike[str],
    output: str | os.PathLike[str],
    outputs: Collection[str] | None = None,
) -> None:
    """Write <table>.parquet beside `output` for every table of results.yaml that is there, and `output`, their list.

    Files of one entry stand in one table, below each other, with a column for each placeholder of their path that they
    have no column for (shard, task, …); <part>_of_path in all of them where a user's column has its name in any. Tables
    of new slides are called new-<table>. An empty cell is a missing value, text stays as it is typed. Raises ValueError
    where a column of numbers holds something else.

    outputs: paths below `results` that the jobs of the present config and sheets write (None: all that are there).
    Tables that an earlier run left are not exported: of models, tasks and slides that are gone, or slides twice, of a
    run with other `slides_per_job`. The log names them, and counts the benchmarks of other jobs.
    """
    files_of: dict[str, list[tuple[str, str, Table]]] = {}
    for path, plain, table in find_tables(results, read_tables(schema), outputs):
        name = f"new-{table.name}" if path.startswith(NEW_SLIDES) else table.name
        files_of.setdefault(name, []).append((path, plain, table))
    folder, rows = Path(output).parent, []
    for name, files in sorted(files_of.items()):
        read = [_read(Path(results) / path, table) for path, _, table in files]
        joined = _join(_with_parts(read, files), files[0][2])
        with atomic_path(folder / f"{name}.parquet") as temporary:
            pq.write_table(joined, temporary, compression="zstd")
        table = files[0][2]
        facts = (name, f"{name}.parquet", joined.num_rows, joined.num_columns, len(files), table.path, table.row)
        rows.append(dict(zip(LISTED, facts, strict=True)))
    earlier = [path for path in folder.glob("*.parquet") if is_ours(path)]
    remove_outdated(earlier, {folder / f"{name}.parquet" for name in files_of})
    write_tsv(output, pd.DataFrame(rows, columns=LISTED))


def is_ours(path: Path) -> bool:
    """True for a table that this workflow wrote under this name, or began to; a user's own, or a copy, is none."""
    if is_temporary(path):
        return not is_being_written(path)
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return False
    (name,) = names_of([metadata.get(b"path", b"").decode()])
    return b"row" in metadata and path.stem.removeprefix("new-").partition("-by-")[0] == name


def _read(path: Path, table: Table) -> pa.Table:
    """One file, its columns in their types."""
    if path.suffix == ".parquet":
        stored = pq.read_table(path)
        return pa.table({name: _wide(stored[name], table.kind(name), path, name) for name in stored.column_names})
    cells = read_tsv(path)
    if table.missing:
        cells = cells.replace(table.missing, "")
    return pa.table({name: _typed(cells[name].tolist(), table.kind(name), f"{path}, column {name}") for name in cells})


def _with_parts(tables: Sequence[pa.Table], files: Sequence[tuple[str, str, Table]]) -> list[pa.Table]:
    """Files of one entry, with the placeholders of their paths as columns, of the same name in all.

    One file may have a user's column of a placeholder's name, and another none: were the name chosen file by file, that
    column would hold both.
    """
    entry, column_names = files[0][2], {name for table in tables for name in table.column_names}
    columns = {part: part if part in entry.columns else _free(part, column_names) for part in entry.parts}
    placed = []
    for table, (_, plain, _) in zip(tables, files, strict=True):
        for part, value in (entry.parts_of(plain) or {}).items():
            if columns[part] not in table.column_names:
                table = table.add_column(0, columns[part], pa.array([value] * table.num_rows, pa.string()))
        if "**" in entry.path:
            table = table.add_column(0, "path", pa.array([plain] * table.num_rows, pa.string()))
        placed.append(table)
    return placed


def _free(part: str, column_names: Collection[str]) -> str:
    """A name for the column of a placeholder that no file has."""
    while part in column_names:
        part += "_of_path"
    return part


def _typed(cells: Sequence[str], kind: Kind, location: str) -> pa.Array:
    """Cells of a column in its type."""
    if kind == "text":
        return pa.array([cell or None for cell in cells], TYPES[kind])
    numbers: list[float | None] = []
    for row, cell in enumerate(cells, start=2):
        try:
            number = plain_number(cell) if cell else math.nan
        except ValueError:
            remedy = "list the column under `text` of its table in workflow/schemas/results.yaml, or report this"
            raise ValueError(f"{location}, row {row}: {cell!r} is not a number; {remedy}") from None
        numbers.append(None if math.isnan(number) else number)
    if kind == "number":
        return pa.array(numbers, TYPES[kind])
    for row, (cell, whole) in enumerate(zip(cells, numbers, strict=True), start=2):
        if whole is not None and not (whole.is_integer() and abs(whole) < 2**63):
            raise ValueError(f"{location}, row {row}: {cell} is not an integer of 64 bits; {AS_NUMBERS}")
    integers = [None if whole is None else _integer(cell) for cell, whole in zip(cells, numbers, strict=True)]
    return pa.array(integers, TYPES[kind])


def _integer(cell: str) -> int:
    """The integer of a cell such as 12, 12.0 or 1e3; one above 2^53 is no float."""
    return int(cell) if is_integer(cell) else int(float(cell))


def _wide(column: pa.ChunkedArray, kind: Kind, path: Path, name: str) -> pa.ChunkedArray:
    """A column of a Parquet file in the type of all such files: one for all widths, and integers for yes and no.

    A column without a value has no type yet: that of other files, or the schema's.
    """
    stored = column.type
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column))])
    if kind == "integer" and (pa.types.is_floating(stored) or pa.types.is_boolean(stored)):
        try:
            return column.cast(TYPES["integer"])  # integers with a missing value were stored as floats
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path}, column {name}: {error}; {AS_NUMBERS}") from None
    if pa.types.is_floating(stored):
        return column.cast(TYPES["number"])
    if pa.types.is_integer(stored):
        return column.cast(TYPES["integer"])
    return column.cast(TYPES["text"]) if pa.types.is_large_string(stored) or pa.types.is_dictionary(stored) else column


def _join(tables: Sequence[pa.Table], entry: Table) -> pa.Table:
    """Tables below each other, the columns of all; what the table and each column hold as metadata."""
    try:
        joined = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowTypeError as error:
        raise ValueError(f"tables {entry.path} don't fit each other: {error}") from None
    types = {
        field.name: TYPES[entry.kind(field.name)] if pa.types.is_null(field.type) else field.type
        for field in joined.schema
    }
    fields = [
        pa.field(name, kind, metadata=_metadata(description=entry.describe(name))) for name, kind in types.items()
    ]
    return joined.cast(pa.schema(fields, metadata=_metadata(path=entry.path, row=entry.row)))


def _metadata(**entries: Any) -> dict[str, str]:
    return {key: str(value) for key, value in entries.items() if value}
