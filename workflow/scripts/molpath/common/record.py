"""The record of a shard: the digests of the files that its jobs wrote, one file per slide.

Beside the files is one record per shard, `<folder>/.record/<shard>.tsv`. A file is reused only if its bytes are
those recorded by the job that made it: one that was damaged, truncated or changed is made again. Jobs that only found
a file never record it.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from .contained import NoSlidesFault
from .digests import sha256_of
from .files import atomic_path, remove_leftovers, write_text
from .recorded import FOLDER, Row, intact, read_rows, row_of
from .stamps import ForeignFile, is_readable, read_stamp

log = logging.getLogger(__name__)

#: Name of the record of readers of any shard: modification times of files since their folder was copied.
READERS = "readers"


class ChangedFile(NoSlidesFault):
    """A file of an earlier stage differs from what its job wrote: nothing is computed from it."""


class Record:
    """Rows of the files that jobs of a shard write, over the folders they write into.

    shard: name of the shard, '' for readers of any. A row is written before its file is renamed: a job killed
    between both leaves a surplus row, never a complete file without a row.
    """

    def __init__(self, shard: str = ""):
        self.shard = shard
        self._own: dict[Path, dict[str, list[Row]]] = {}
        self._others: dict[Path, dict[str, list[Row]]] = {}

    def rows(self, path: str | os.PathLike[str]) -> list[Row]:
        """What is recorded of a file, the latest last; by other shards if this one has no record of it: rows of a
        sheet move from shard to shard."""
        path = Path(path)
        return self._rows_of_shard(path.parent).get(path.name) or self._rows_of_others(path.parent).get(path.name, [])

    def intact(self, path: str | os.PathLike[str]) -> Row | None:
        """The row that matches the file's bytes; None if there is none."""
        path = Path(path)
        rows, status = self.rows(path), os.stat(path)
        if not any(row.fits(status) for row in rows):
            rows = [*self._rows_of_others(path.parent).get(path.name, []), *rows]
        return intact(path, rows)

    def row(self, path: str | os.PathLike[str]) -> Row:
        """The row of a file that this job wrote or reused, for manifests, as recorded by its job. Raises ChangedFile if
        the record is missing."""
        if recorded := self.intact(path) or next(iter(self.rows(path)[::-1]), None):
            return recorded
        raise ChangedFile(
            f"nothing is recorded of {path} any more: another run may have worked on the same files; run it again"
        )

    def take(self, path: str | os.PathLike[str]) -> bool:
        """True if a file is as recorded; a row of another shard, or from before a copy of the folder, is carried
        over."""
        row = self.intact(path)
        if row and row not in self._rows_of_shard(Path(path).parent).get(row.name, []):
            self._add(Path(path).parent, row)
        return row is not None

    def remember(self, path: str | os.PathLike[str], row: Row) -> None:
        """Record that a file with another modification time is unchanged, so that the next job need not read it."""
        with contextlib.suppress(OSError):  # in a read-only folder the bytes are read each time
            self._add(Path(path).parent, row)

    def adopt(self, path: str | os.PathLike[str]) -> None:
        """Record a file as it is: only for files of versions without records, if the user accepts them."""
        self._add(Path(path).parent, row_of(path))

    @contextlib.contextmanager
    def writing(self, path: str | os.PathLike[str]) -> Iterator[Path]:
        """As `files.atomic_path`, and the file is recorded."""
        with atomic_path(path) as temporary:
            yield temporary
            self._add(Path(path).parent, row_of(temporary, Path(path).name))

    def reload(self) -> None:
        """Read the records again: another job may have written."""
        self._own.clear()
        self._others.clear()

    def close(self, folders: Iterable[str | os.PathLike[str]]) -> None:
        """Reduce the records to one row per existing file, sorted by name."""
        self.reload()
        for folder in map(Path, folders):
            record_path = self._place(folder)
            remove_leftovers(record_path.parent, {record_path.name})
            rows = read_rows(record_path)
            latest = {row.name: row for row in rows if (folder / row.name).exists()}
            latest |= {row.name: row for row in rows if row.name in latest and row.fits(os.stat(folder / row.name))}
            text = "".join(latest[name].line() for name in sorted(latest))
            if rows and record_path.read_text(encoding="utf-8", errors="replace") != text:
                write_text(record_path, text)

    def _place(self, folder: Path) -> Path:
        return folder / FOLDER / f"{self.shard or READERS}.tsv"

    def _add(self, folder: Path, row: Row) -> None:
        """Append a row; whatever this process knew of the file before stays known."""
        record_path = self._place(folder)
        record_path.parent.mkdir(parents=True, exist_ok=True)
        self._rows_of_shard(folder).setdefault(row.name, []).append(row)
        with open(record_path, "a+b") as handle:
            if handle.tell():  # after an incomplete line (full disk, killed job) begin a new one
                handle.seek(-1, os.SEEK_END)
                if handle.read(1) != b"\n":
                    handle.write(b"\n")
            handle.write(row.line().encode())

    def _rows_of_shard(self, folder: Path) -> dict[str, list[Row]]:
        if folder not in self._own:
            self._own[folder] = _by_name(read_rows(self._place(folder)) if self.shard else [])
        return self._own[folder]

    def _rows_of_others(self, folder: Path) -> dict[str, list[Row]]:
        if folder not in self._others:
            paths = sorted((folder / FOLDER).glob("*.tsv"))
            other_paths = [path for path in paths if not self.shard or path != self._place(folder)]
            self._others[folder] = _by_name([row for path in other_paths for row in read_rows(path)])
        return self._others[folder]


def is_current(
    path: str | os.PathLike[str], record: Record, inputs: str, code: str, accept_other_code: bool = False
) -> bool:
    """True if `path` is there, made from these inputs by this code (or by any, if accepted), and is what its maker
    recorded.

    A file of ours that is damaged or not recorded is made again, and the log says so. Raises
    ForeignFile if the file at `path` was never ours: it has no record, and is valid for its type.
    """
    if not os.path.lexists(path):
        return False
    recorded = record.rows(path)
    if os.path.isdir(path):
        raise ForeignFile(f"{path} is a folder where a file of this workflow belongs: move it away")
    if recorded and not record.take(path):
        log.warning("%s is damaged, or was changed since it was made: it is made again", path)
        return False
    stamp = read_stamp(path)
    if stamp is None and not recorded and is_readable(path):
        raise ForeignFile(
            f"{path} was not made by this workflow and is never replaced. Move it away, or, to use features "
            "of another tool, give their folder as `precomputed:` in the config."
        )
    if stamp is None:
        log.warning("%s is incomplete, or not of its type: it is made again", path)
        return False
    if stamp["inputs"] != inputs or not (accept_other_code or stamp["code"] == code):
        return False
    if not recorded and not accept_other_code:
        log.warning("nothing is recorded of the bytes of %s: it is made again", path)
        return False
    if not recorded:
        log.warning("nothing is recorded of the bytes of %s: it is accepted unchanged (accept_other_code)", path)
        record.adopt(path)
    return True


def check_intact(path: str | os.PathLike[str], fingerprint: str, record: Record, rule: str) -> None:
    """Raises ChangedFile unless `path` is the file whose `fingerprint` a manifest gives ('': any recorded one).

    rule: the one that makes the file again. A file that is as recorded by size and time isn't read.
    """
    try:
        rows = [row for row in record.rows(path) if row.sha256.startswith(fingerprint)]
        current = intact(path, rows)
        if current and current not in rows:
            record.remember(path, current)
        if current or not (fingerprint or rows):
            return
        problem = "" if fingerprint and sha256_of(path).startswith(fingerprint) else "is damaged, or was changed"
    except FileNotFoundError:
        problem = "is missing"
    if problem:
        raise ChangedFile(
            f"{path} {problem} since it was made, so it is not used. Run `snakemake --forcerun {rule}`: it makes "
            "this file again, reuses the others, and continues"
        )


def _by_name(rows: Iterable[Row]) -> dict[str, list[Row]]:
    rows_of: dict[str, list[Row]] = {}
    for row in rows:
        rows_of.setdefault(row.name, []).append(row)
    return rows_of
