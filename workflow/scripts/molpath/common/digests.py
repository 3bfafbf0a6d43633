"""Digests of values (what a file was made from, as sixteen hexadecimal digits) and of whole files."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

#: Digests of a folder's files beside them, as `sha256sum --check` takes them.
DIGESTS = "sha256.txt"
#: A line of such a file: digest, a space, the mode (a space or *), name.
_LINE = re.compile(r"([0-9a-fA-F]{64}) [ *](.+)")


def digest_of(*values: Any) -> str:
    """Digest of JSON-like values, bytes and numpy arrays, the same on every machine.

    Arrays count with dtype, shape and contents; dictionaries without regard to order.
    """
    sha256 = hashlib.sha256()
    for value in values:
        for piece in _pieces(value):
            sha256.update(len(piece).to_bytes(8, "little"))
            sha256.update(piece)
    return sha256.hexdigest()[:16]


def _pieces(value: Any) -> list[bytes]:
    if isinstance(value, bytes):
        return [b"bytes", value]
    if hasattr(value, "dtype") and hasattr(value, "tobytes"):
        return [b"array", str(value.dtype).encode(), str(value.shape).encode(), value.tobytes()]
    return [b"json", json.dumps(value, sort_keys=True, default=str).encode()]


def sha256_of(path: str | os.PathLike[str]) -> str:
    """SHA-256 of the whole file, 64 hexadecimal digits."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def md5_of(path: str | os.PathLike[str]) -> str:
    """MD5 of the whole file, 32 hexadecimal digits: what data services announce."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def listed_digests(folder: str | os.PathLike[str]) -> dict[str, str]:
    """SHA-256 by file, from sha256.txt of a folder, one line per file, as sha256sum writes it (`*` before a name
    marks binary mode). Other lines are ignored, whatever their bytes."""
    text = (Path(folder) / DIGESTS).read_text(encoding="utf-8", errors="replace")
    return {match[2]: match[1].lower() for match in map(_LINE.fullmatch, text.splitlines()) if match}
