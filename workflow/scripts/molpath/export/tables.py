"""Every table of the results as Parquet: one file per entry of results.yaml, with types and what columns hold."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..common.files import atomic_path, read_tsv, write_tsv
from .described import NEW_SLIDES, Kind, Table, find_tables, read_tables

TYPES: Mapping[Kind, pa.DataType] = {"integer": pa.int64(), "number": pa.float64(), "text": pa.string()}
#: Columns of the list of what was written.
LISTED = ("table", "file", "rows", "columns", "files", "path", "row")


def write_tables(
    results: str | os.PathLike[str], schema: str | os.PathLike[str], output: str | os.PathLike[str]
) -> None:
    """Write <table>.parquet beside `output` for every table of results.yaml that is there, and `output`, their list.

    Files of one entry stand in one table, below each other, with a column for each placeholder of their path that they
    have no column for (shard, task, …). Tables of new slides are called new-<table>. An empty cell is a missing value,
    text stays as it is typed. Raises ValueError where a column of numbers holds something else.
    """
    files_of: dict[str, list[tuple[str, str, Table]]] = {}
    for path, plain, table in find_tables(results, read_tables(schema)):
        name = f"new-{table.name}" if path.startswith(NEW_SLIDES) else table.name
        files_of.setdefault(name, []).append((path, plain, table))
    folder, rows = Path(output).parent, []
    for name, files in sorted(files_of.items()):
        joined = _join([_read(Path(results) / path, plain, table) for path, plain, table in files], files[0][2])
        with atomic_path(folder / f"{name}.parquet") as temporary:
            pq.write_table(joined, temporary, compression="zstd")
        table = files[0][2]
        facts = (name, f"{name}.parquet", joined.num_rows, joined.num_columns, len(files), table.path, table.row)
        rows.append(dict(zip(LISTED, facts, strict=True)))
    import pandas as pd

    for outdated in set(folder.glob("*.parquet")) - {folder / f"{name}.parquet" for name in files_of}:
        outdated.unlink()  # of an earlier run, of which nothing is left
    write_tsv(output, pd.DataFrame(rows, columns=LISTED))


def _read(path: Path, plain: str, table: Table) -> pa.Table:
    """One file, and the placeholders of its path as columns."""
    if path.suffix == ".parquet":
        read = pq.read_table(path).replace_schema_metadata(None)
    else:
        cells = read_tsv(path)
        columns = {name: _typed(cells[name].tolist(), table.kind(name), f"{path}, column {name}") for name in cells}
        read = pa.table(columns)
    for part, value in (table.parts_of(plain) or {}).items():
        if part not in read.column_names:
            read = read.add_column(0, part, pa.array([value] * read.num_rows, pa.string()))
    if "**" in table.path:
        read = read.add_column(0, "path", pa.array([plain] * read.num_rows, pa.string()))
    return read


def _typed(cells: Sequence[str], kind: Kind, location: str) -> pa.Array:
    """Cells of a column in its type."""
    if kind == "text":
        return pa.array([cell or None for cell in cells], TYPES[kind])
    numbers: list[float | None] = []
    for row, cell in enumerate(cells, start=2):
        try:
            numbers.append(float(cell) if cell else None)
        except ValueError:
            remedy = "list the column under `text` of its table in workflow/schemas/results.yaml, or report this"
            raise ValueError(f"{location}, row {row}: {cell!r} is not a number; {remedy}") from None
    if kind == "number":
        return pa.array(numbers, TYPES[kind])
    for row, number in enumerate(numbers, start=2):
        if number is not None and not number.is_integer():
            raise ValueError(f"{location}, row {row}: {number} is not an integer; list the column under `numbers`")
    return pa.array([None if number is None else int(number) for number in numbers], TYPES[kind])


def _join(tables: Sequence[pa.Table], entry: Table) -> pa.Table:
    """Tables below each other, the columns of all; what the table and each column hold as metadata."""
    joined = pa.concat_tables(tables, promote_options="permissive")
    fields = [
        pa.field(name, joined.schema.field(name).type, metadata=_metadata(description=entry.describe(name)))
        for name in joined.column_names
    ]
    return joined.cast(pa.schema(fields, metadata=_metadata(path=entry.path, row=entry.row)))


def _metadata(**entries: Any) -> dict[str, str]:
    return {key: str(value) for key, value in entries.items() if value}
