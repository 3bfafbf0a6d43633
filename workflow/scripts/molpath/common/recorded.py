"""What a file was when it was made, as a line of a record: name, bytes, time of change, SHA-256 of the whole file.

Records are in folders called `.record` beside the files. They hold times, so they are not results: `verify` reads them,
provenance.json, the crate and `orphans` ignore them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from .digests import sha256_of

#: Folder of records beside the files that they describe.
FOLDER = ".record"
#: Bytes, or nanoseconds.
NUMBER = re.compile(r"[0-9]{1,20}")


class Row(NamedTuple):
    """A file as its maker left it."""

    name: str
    bytes: int
    mtime_ns: int
    sha256: str

    @property
    def fingerprint(self) -> str:
        """What manifests say about the file."""
        return self.sha256[:16]

    def line(self) -> str:
        """The row as it is written."""
        return "\t".join(map(str, self)) + "\n"

    def fits(self, status: os.stat_result) -> bool:
        """True if size and modification time are as recorded: a cheap check, which accidental damage fails."""
        return (self.bytes, self.mtime_ns) == (status.st_size, status.st_mtime_ns)


def row_of(path: str | os.PathLike[str], name: str = "") -> Row:
    """The row of a file as it is now; name: what it will be called."""
    status = os.stat(path)
    return Row(name or Path(path).name, status.st_size, status.st_mtime_ns, sha256_of(path))


def read_rows(path: str | os.PathLike[str]) -> list[Row]:
    """Rows of a record, the latest last; none if there is no such file. Incomplete and damaged lines are ignored."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [row for line in text.splitlines(keepends=True) if (row := _parsed(line))]


def intact(path: str | os.PathLike[str], rows: Iterable[Row]) -> Row | None:
    """The row, with the current time, that matches the bytes of `path`; None if none does. Read only if size
    and time match no row, but the size matches one.

    Raises FileNotFoundError if the file is missing.
    """
    status, latest_first = os.stat(path), list(rows)[::-1]
    for row in latest_first:
        if row.fits(status):
            return row
    same_size = [row for row in latest_first if row.bytes == status.st_size]
    digest = sha256_of(path) if same_size else ""
    return next((row._replace(mtime_ns=status.st_mtime_ns) for row in same_size if row.sha256 == digest), None)


def _parsed(line: str) -> Row | None:
    cells = line.split("\t")
    if len(cells) != 4 or not line.endswith("\n") or len(digest := cells[3].rstrip("\n")) != 64:
        return None
    if not all(NUMBER.fullmatch(cell) for cell in cells[1:3]):
        return None
    return Row(cells[0], int(cells[1]), int(cells[2]), digest)
