"""Sheets as rows, the same at validation and in every rule."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from typing import TypeVar

from .config import Row
from .problems import Problems

Item = TypeVar("Item")

#: Columns of both sheets that say where a file is downloaded from.
DOWNLOAD_COLUMNS = ("url", "md5", "bytes")


def read_sheet(path: str) -> list[Row]:
    """Rows of a tab-separated sheet as dicts of strings, with the line number under '#'. Missing file: no rows.

    Leading `#` lines are comments; a cell beyond the header is kept under None for validation to name. Raises
    ProblemsFound where the file is no such table.
    """
    if not path or not os.path.isfile(path):
        return []
    with open(path, encoding="utf-8-sig", newline="", errors="replace") as handle:
        position, line = 0, 1
        while handle.readline().startswith("#"):
            position, line = handle.tell(), line + 1
        handle.seek(position)
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        rows: list[Row] = []
        try:
            rows += (row | {"#": number + line + 1} for number, row in enumerate(reader))
        except csv.Error as error:
            problems = Problems()
            problems.add(f"{path}, row {line + reader.line_num}", str(error), "one cell per column, separated by tabs")
            problems.stop()
        return rows


def repeated_columns(path: str) -> list[str]:
    """Names that stand twice in the header of a sheet; of their cells, a reader would take the last."""
    with open(path, encoding="utf-8-sig", newline="", errors="replace") as handle:
        header = next((line for line in handle if not line.startswith("#")), "").rstrip("\r\n").split("\t")
    return sorted({name for name in header if name and header.count(name) > 1})


def in_blocks(rows: Sequence[Item], size: int) -> dict[str, list[Item]]:
    """Consecutive blocks of `size` rows by name: 00000, 00001, …"""
    return {f"{i // size:05d}": list(rows[i : i + size]) for i in range(0, len(rows), size)}


def is_downloaded(row: Row) -> bool:
    """True if the row says where its file comes from."""
    return bool(row.get("url"))


def will_be_there(row: Row) -> bool:
    """True if the row's file is downloaded, to a path that is one."""
    return is_downloaded(row) and "://" not in row["path"]
