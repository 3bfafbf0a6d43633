"""Bytes of a table, packed or not: gzip, bzip2, xz, or a zip archive with one table in it."""

from __future__ import annotations

import io
import lzma
import os
import zipfile
import zlib
from typing import BinaryIO

import pyarrow

from ..common.file_kinds import foreign_format
from ..common.given_files import FREE, GROWTH

#: Errors of the libraries that unpack, for files that are damaged or cut off.
DAMAGED = (EOFError, OSError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


class BadProfile(Exception):
    """A profile can't be read as its row of the sheet says."""


class Unpacked(io.RawIOBase):
    """A file's bytes as a stream, unpacked by its actual format, whatever its name.

    quoted: True once a quotation mark has been read. Raises BadProfile for what unpacks to too much.
    """

    def __init__(self, path: str) -> None:
        self.path, self.total, self.quoted = path, 0, False
        self.limit = max(FREE, GROWTH * os.path.getsize(path))
        self.inner = _unpack(path)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes; b'' at the end."""
        try:
            data = self.inner.read(size if size >= 0 else self.limit + 1)
        except DAMAGED as error:
            raise BadProfile(f"{self.path}: can't be unpacked ({error}): download or pack it again") from None
        self.total += len(data)
        if self.total > self.limit:
            raise BadProfile(f"{self.path}: unpacks to more than {self.limit >> 20} MiB: not a plausible table")
        self.quoted = self.quoted or b'"' in data
        return data

    def close(self) -> None:
        if not self.closed:
            self.inner.close()
        super().close()


def _unpack(path: str) -> BinaryIO | pyarrow.NativeFile:
    """The stream of a file, unpacked; Python's own reader for plain files."""
    with open(path, "rb") as handle:
        head = handle.read(4096)
    if head.startswith(b"PK"):
        return _only_member(path, head)
    if head.startswith(b"\xfd7zXZ"):
        return lzma.open(path)
    kinds = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
    kind = next((name for start, name in kinds.items() if head.startswith(start)), None)
    return pyarrow.input_stream(path, compression=kind) if kind else open(path, "rb")


def _only_member(path: str, head: bytes) -> BinaryIO:
    """The only file of a zip archive; files added by macOS are ignored."""
    if (foreign := foreign_format(head)) and "Excel" in foreign[0]:
        raise BadProfile(f"{path}: this is {foreign[0]}, and a table of text is required: {foreign[1]}")
    try:
        archive = zipfile.ZipFile(path)
        names = [member.filename for member in archive.infolist() if not member.is_dir()]
        names = [name for name in names if not name.startswith("__MACOSX/") and not name.endswith(".DS_Store")]
        if any(name.startswith("xl/") for name in names):
            raise BadProfile(
                f"{path}: this is an Excel workbook (xlsx), and a table of text is required: save it as TSV"
            )
        if len(names) != 1:
            raise BadProfile(f"{path}: {len(names)} files in the archive ({', '.join(names[:4])}): leave one in it")
        return archive.open(names[0])  # type: ignore[return-value]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise BadProfile(f"{path}: a ZIP archive that can't be read ({error}): unpack it") from None


def open_unpacked(path: str) -> io.BufferedReader:
    """A buffered stream of a file's unpacked bytes."""
    return io.BufferedReader(Unpacked(path), 1 << 16)
