"""What a file that should be a text table really is, described for the user."""

from __future__ import annotations

import codecs

SAVE_AS = "save the sheet as tab-separated text in UTF-8"

#: First bytes of binary formats, what they are, and what to do.
_FORMATS: tuple[tuple[bytes, str, str], ...] = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook of the old kind (.xls)", SAVE_AS),
    (b"\x1f\x8b", "gzip", "unpack it (gunzip)"),
    (b"BZh", "bzip2", "unpack it (bunzip2)"),
    (b"\xfd7zXZ", "xz", "unpack it (unxz)"),
    (b"\x28\xb5\x2f\xfd", "Zstandard", "unpack it (unzstd)"),
    (b"PAR1", "Parquet", "rename it to .parquet if a matrix is expected, else write it as a TSV"),
    (b"\x89HDF", "HDF5", "rename it to .h5ad if it is one, else write it as a TSV"),
    (b"%PDF", "a PDF", "take the table itself"),
    (b"{\\rtf", "rich text (RTF)", "save it as plain text in UTF-8"),
    (b"version https://git-lfs", "a Git LFS pointer and not the file itself", "fetch the file (git lfs pull)"),
)


def foreign_format(head: bytes) -> tuple[str, str] | None:
    """(what it is, what to do) for a file that begins with `head` and is not UTF-8 text; None if it may be text.

    head: at least 512 bytes, or the whole file.
    """
    if head.startswith(b"PK"):
        if b"xl/" in head or b"[Content_Types].xml" in head:
            return "an Excel workbook (xlsx)", SAVE_AS
        if b"opendocument.spreadsheet" in head:
            return "an OpenDocument spreadsheet (ods)", SAVE_AS
        return "a ZIP archive", "unpack it (unzip)"
    for start, name, remedy in _FORMATS:
        if head.startswith(start):
            return name, remedy
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        return "text in UTF-16, or not text", "save it in UTF-8 (iconv -f UTF-16 -t UTF-8)"
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return "a page of a website (HTML or XML)", "download the file itself, not the page about it"
    return None


def not_utf8(data: bytes, offset: int) -> tuple[str, str]:
    """What is wrong with a text whose byte at `offset` keeps it from being UTF-8, and what to do."""
    character = data[offset : offset + 1].decode("cp1252", "replace")
    return f"byte 0x{data[offset]:02x} is no UTF-8 (in Windows-1252 it is {character!r})", "save the file in UTF-8 " + (
        "(iconv -f WINDOWS-1252 -t UTF-8, if that is what it is in)"
    )
