"""The one way to write a file: a temporary name in the same folder, flush, fsync, rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is fsynced and renamed over `path`.

    The temporary name ends like `path` (writers choose a format by suffix) and holds host and process id,
    so that two machines never share one. On an error it is removed and `path` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".tmp-{socket.gethostname()}-{os.getpid()}-{path.name}"
    try:
        yield temporary
        _fsync(temporary)
        os.replace(temporary, path)
        _fsync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike, value: Any) -> None:
    """Write `value` as sorted, indented JSON, so that equal values give equal bytes."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_tsv(path: str | os.PathLike, table) -> None:
    """Write a pandas DataFrame as TSV: no index, '.' decimals, floats with 10 significant digits."""
    with atomic_path(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n", float_format="%.10g")


def read_tsv(path: str | os.PathLike, **options):
    """Read a sheet or table as strings ('' where a cell is empty). Leading `#` lines are comments.

    A `#` inside a row is data. Extra `options` go to `pandas.read_csv`.
    """
    import pandas as pd

    with open(path, encoding="utf-8-sig") as handle:
        skip = 0
        for line in handle:
            if not line.startswith("#"):
                break
            skip += 1
    settings = {"dtype": str, "keep_default_na": False, "na_filter": False} | options
    return pd.read_csv(path, sep="\t", skiprows=skip, encoding="utf-8-sig", **settings)


def write_parquet(path: str | os.PathLike, table) -> None:
    """Write a pandas DataFrame as Parquet (zstd, no index)."""
    with atomic_path(path) as temporary:
        table.to_parquet(temporary, index=False, compression="zstd")


def write_h5ad(path: str | os.PathLike, data) -> None:
    """Write an AnnData object as h5ad, whole or not at all."""
    with atomic_path(path) as temporary:
        data.write_h5ad(temporary)


@contextlib.contextmanager
def new_h5(path: str | os.PathLike) -> Iterator:
    """Open a new HDF5 file for writing; it takes its name only when the block ends without an error."""
    import h5py

    with atomic_path(path) as temporary, h5py.File(temporary, "w", track_order=False) as handle:
        yield handle


def open_h5(path: str | os.PathLike):
    """Open an HDF5 file for reading, without file locks (they hang on some network file systems)."""
    import h5py

    return h5py.File(path, "r", locking=False)


def sha256_of(path: str | os.PathLike) -> str:
    """SHA-256 of the whole file, 64 hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def fingerprint(path: str | os.PathLike) -> str:
    """First 16 digits of the SHA-256 of the whole file: what manifests record of a written file."""
    return sha256_of(path)[:16]
