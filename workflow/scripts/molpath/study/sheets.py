"""Sheets as rows, the same at validation and in every rule."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

from ..common.tsv import BadTable, read_cells
from .config import Row

Item = TypeVar("Item")

#: Columns of both sheets that say where a file is downloaded from.
DOWNLOAD_COLUMNS = ("url", "md5", "bytes")


def read_sheet(path: str) -> list[Row]:
    """Rows of a sheet as dicts of strings, with the line number under '#'; none where it is missing or can't be read.

    What is wrong with one that can't be read is said by the checks, which ask `problem_of`.
    """
    if not path or not os.path.isfile(path):
        return []
    try:
        cells = read_cells(path)
    except BadTable:
        return []
    return [
        dict(zip(cells.columns, row, strict=True)) | {"#": line}
        for row, line in zip(cells.rows, cells.lines, strict=True)
    ]


def problem_of(path: str) -> BadTable | None:
    """Why a sheet can't be read; None for one that can, or is missing."""
    try:
        if path and os.path.isfile(path):
            read_cells(path)
    except BadTable as error:
        return error
    return None


def in_blocks(rows: Sequence[Item], size: int) -> dict[str, list[Item]]:
    """Consecutive blocks of `size` rows by name: 00000, 00001, …"""
    return {f"{i // size:05d}": list(rows[i : i + size]) for i in range(0, len(rows), size)}


def is_downloaded(row: Row) -> bool:
    """True if the row says where its file comes from."""
    return bool(row.get("url"))


def will_be_there(row: Row) -> bool:
    """True if the row's file is downloaded, to a valid path."""
    return is_downloaded(row) and "://" not in row["path"]
