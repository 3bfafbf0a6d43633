"""The one way to write a file: a temporary name in the same folder, flush, fsync, rename."""

from __future__ import annotations

import contextlib
import csv
import errno
import json
import os
import re
import socket
from collections.abc import Callable, Container, Iterator, Sequence
from pathlib import Path
from typing import Any

from .digests import sha256_of
from .tsv import BadTable, defused, one_line, read_cells

#: How a file is written: as `atomic_path` does, or recorded as well.
Write = Callable[[str | os.PathLike[str]], contextlib.AbstractContextManager[Path]]

#: .tmp-<host>@<process>@<name>: neither a host's name nor an id of ours holds an @.
_TEMPORARY = re.compile(r"\.tmp-(?P<host>[^@]+)@(?P<process>\d+)@(?P<name>.+)")


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and renamed over `path`.

    On an error the temporary file is removed and `path` stays as it was. A full disk, or a quota, is an OSError that
    names `path` and says what to do, whatever library ran into it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = temporary_of(path)
    try:
        yield temporary
        fsync(temporary)
        os.replace(temporary, path)
        fsync(path.parent)
    except (OSError, RuntimeError) as error:
        if (number := _no_room(error)) is None:
            raise
        raise OSError(
            number,
            f"{os.strerror(number)} for {path}. Make room there (or raise the quota) and start the run again: "
            "it resumes after what is finished",
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _no_room(error: BaseException | None) -> int | None:
    """The errno that says there is no space for a file, None for other errors.

    HDF5 puts it into an error message, which may appear only when the file is closed, or hide another.
    """
    while error is not None:
        match = re.search(r"errno = (\d+)", str(error))
        number = int(match[1]) if match else getattr(error, "errno", None)
        if number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            return number
        error = error.__cause__ or error.__context__
    return None


def fsync(path: Path) -> None:
    """Make written data, or a rename within a folder, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def temporary_of(path: Path) -> Path:
    """Where `path` is written until it is complete.

    The name ends like `path` (writers choose a format by suffix) and contains host and process id, so that two machines
    never share one.
    """
    return path.parent / f".tmp-{socket.gethostname()}@{os.getpid()}@{path.name}"


def is_temporary(path: str | os.PathLike[str]) -> bool:
    """True if `path` is named like a file that is being written, or was when its writer was killed."""
    return _TEMPORARY.fullmatch(Path(path).name) is not None


def is_being_written(path: str | os.PathLike[str]) -> bool:
    """True if the process that a temporary name holds is alive; one of another machine can't be asked: False."""
    match = _TEMPORARY.fullmatch(Path(path).name)
    if match is None or match["host"] != socket.gethostname():
        return False
    try:
        os.kill(int(match["process"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def remove_leftovers(folder: str | os.PathLike[str], names: Container[str]) -> None:
    """Remove leftovers of killed jobs of this machine in `folder`, of files named `names`.

    For jobs that are about to write those files: no other job does. One scan of the folder per job, for one per file
    would be quadratic in the cohort. Leftovers of other machines stay; `snakemake orphans` lists them.
    """
    if not os.path.isdir(folder):
        return
    with os.scandir(os.fspath(folder)) as entries:
        for entry in entries:
            match = _TEMPORARY.fullmatch(entry.name)
            is_leftover = match and match["host"] == socket.gethostname() and match["name"] in names
            if is_leftover and not is_being_written(entry.path):
                os.unlink(entry.path)


def write_text(path: str | os.PathLike[str], text: str, write: Write = atomic_path) -> None:
    """Write `text` (UTF-8) to `path` atomically. write: `Record.writing` for files that are recorded."""
    with write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write `value` as sorted, indented JSON, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_tsv(path: str | os.PathLike[str], table: Any) -> None:
    """Write a pandas DataFrame as TSV: no index, '.' decimals, floats with 10 significant digits.

    Cells are written as they are, in the dialect of `read_tsv`: no quotes; a tab or line end in one becomes a space,
    and what a spreadsheet would take for a formula gets an apostrophe.
    """
    import pandas as pd

    plain = table.rename(columns=lambda name: defused(one_line(str(name))))
    for position, kind in enumerate(plain.dtypes):
        if kind.kind == "O":
            cells = [defused(one_line(cell)) if isinstance(cell, str) else cell for cell in plain.iloc[:, position]]
            plain.isetitem(position, pd.Series(cells, plain.index, dtype=object))
    with atomic_path(path) as temporary:
        plain.to_csv(
            temporary, sep="\t", index=False, lineterminator="\n", float_format="%.10g", quoting=csv.QUOTE_NONE
        )


def read_tsv(path: str | os.PathLike[str], lines: str = "") -> Any:
    """Read a sheet or table as a pandas DataFrame of strings ('' where a cell is empty), in the dialect of `tsv`.

    lines: name of a first column for the lines (int, from 1) on which the rows stand. Raises BadTable where the file
    isn't in the dialect.
    """
    import pandas as pd

    cells = read_cells(path)
    table = pd.DataFrame(cells.rows, columns=cells.columns, dtype=object)
    if table.shape != (len(cells.lines), len(cells.columns)):
        raise BadTable(
            f"{path}", f"{len(table)} rows read of {len(cells.lines)}", "report this: it should never happen"
        )
    if lines:
        table.insert(0, lines, cells.lines)
    return table


def write_parquet(path: str | os.PathLike[str], table: Any) -> None:
    """Write a pandas DataFrame as Parquet (zstd, no index)."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


@contextlib.contextmanager
def new_h5(path: str | os.PathLike[str], write: Write = atomic_path) -> Iterator[Any]:
    """Open a new HDF5 file for writing; it takes its name only when the block ends without an error. write: as in
    write_text."""
    import h5py

    with write(path) as temporary, h5py.File(temporary, "w", track_order=False) as handle:
        yield handle


def open_h5(path: str | os.PathLike[str]) -> Any:
    """Open an HDF5 file for reading, without file locks (they hang on some network file systems)."""
    import h5py

    return h5py.File(path, "r", locking=False)


def fingerprint(path: str | os.PathLike[str]) -> str:
    """First 16 digits of the SHA-256 of the whole file: what manifests record of a written file."""
    return sha256_of(path)[:16]


def by_name(names: Sequence[str], files: Sequence[str]) -> dict[str, Any]:
    """Files of a job by name: one each, or a tuple of equally many."""
    n_each = len(files) // max(1, len(names))
    groups = [tuple(files[i : i + n_each]) for i in range(0, len(files), n_each)] if n_each > 1 else files
    return dict(zip(names, groups, strict=True))
