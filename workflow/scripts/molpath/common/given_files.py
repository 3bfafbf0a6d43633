"""Files from outside are checked before a library opens them: what unpacks to far more than its size, or claims more
than it holds, is refused in bounded memory. See also `given_text.py`, `given_yaml.py`,
`given_h5.py`, `given_parquet.py`.
"""

from __future__ import annotations

import errno
import json
import math
import os
import struct
import zipfile
from tokenize import TokenError
from typing import IO

from .given_text import AGAIN, Refused

#: What unpacks to more than GROWTH times its size, and to more than FREE bytes, is no data.
GROWTH, FREE = 200, 1 << 30
#: The longest header of safetensors, in bytes, and the most files of an archive.
LONGEST_HEADER, MOST_MEMBERS = 1 << 24, 1 << 17


def too_large(declared: int, present: int, growth: int = GROWTH) -> bool:
    """True if the size that a file claims can't come from the bytes that it holds."""
    return declared > max(FREE, growth * present)


def check_safetensors(path: str | os.PathLike[str]) -> None:
    """Raise Refused unless the header of a safetensors file fits into it and is JSON of a sane length.

    The library itself compares shapes and offsets with the file, after reading the header.
    """
    size = os.path.getsize(path)
    with open(path, "rb") as handle:
        start = handle.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > min(size - 8, LONGEST_HEADER):
            problem = f"its header is said to have {length} bytes, and the file has {size}"
            raise Refused(f"{path}: not a complete safetensors file ({problem}): {AGAIN}")
        try:
            header = json.loads(handle.read(length))
        except (ValueError, RecursionError) as error:
            raise Refused(f"{path}: not a safetensors file (header: {type(error).__name__}): {AGAIN}") from None
    if not isinstance(header, dict):
        raise Refused(f"{path}: not a safetensors file (header: no map): {AGAIN}")


def check_archive(file: str | os.PathLike[str] | IO[bytes], name: str = "", packed: bool = False) -> None:
    """Raise Refused for a ZIP archive (torch files and .npz are such) that unpacks to more than it can hold.

    name: what messages call it where `file` is an open one; packed: members may be compressed, as torch's never are.
    Anything but an archive passes: its own reader checks it.
    """
    label = name or str(file)
    try:
        if not zipfile.is_zipfile(file):
            return
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            packed_size = sum(member.compress_size for member in members)
            archive_size = archive.fp.seek(0, os.SEEK_END) if archive.fp else packed_size
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise Refused(f"{label}: an archive that can't be read ({error}): {AGAIN}") from None
    finally:
        if not isinstance(file, (str, os.PathLike)):
            file.seek(0)
    unpacked = sum(member.file_size for member in members)
    if len(members) > MOST_MEMBERS:
        raise Refused(f"{label}: an archive of {len(members)} files: {AGAIN}")
    # Members may share the same bytes: only the size of the archive counts.
    if too_large(unpacked, min(packed_size, archive_size)) if packed else unpacked > archive_size:
        size = f"{unpacked >> 20} MiB" if unpacked >> 20 else f"{unpacked} bytes"
        sizes = f"{size} in an archive of {archive_size} bytes"
        raise Refused(f"{label}: {sizes}, no {'' if packed else 'torch '}file of data is packed like that: {AGAIN}")
    if not packed and any(member.CRC for member in members):  # some writers leave all of them 0
        _check_sums(file, label)


def _check_sums(file: str | os.PathLike[str] | IO[bytes], label: str) -> None:
    """Raise Refused if a member differs from its checksum, which torch.load ignores."""
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError) as error:
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise Refused(f"{label}: an archive that can't be read ({error}): {AGAIN}") from None
    finally:
        if not isinstance(file, (str, os.PathLike)):
            file.seek(0)
    if damaged:
        raise Refused(f"{label}: {damaged} in it differs from its checksum: {AGAIN}")


def check_array(path: str | os.PathLike[str]) -> None:
    """Raise Refused unless a .npy file holds all the numbers that its header claims, and no objects."""
    from numpy.lib import format as npy

    with open(path, "rb") as handle:
        if handle.read(2) == b"PK":  # an archive of arrays, which is none
            return
        handle.seek(0)
        try:
            version = npy.read_magic(handle)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read_header(handle)
            n_bytes = os.path.getsize(path) - handle.tell()
        except (ValueError, TypeError, SyntaxError, OverflowError, TokenError, RecursionError) as error:
            raise Refused(f"no header of an array ({str(error).splitlines()[0]})") from None
    if dtype.hasobject:
        raise Refused("it holds Python objects")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize > n_bytes:
        raise Refused(f"it is said to be {' x '.join(map(str, shape))}, in {n_bytes} bytes")
