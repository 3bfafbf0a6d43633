"""The files a slide consists of: one for most formats, a folder or a series for some."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: Suffixes of formats whose slides are one file each.
WHOLE = {".svs", ".svslide", ".tif", ".tiff", ".btf", ".ndpi", ".scn", ".bif", ".czi", ".png", ".jpg", ".jpeg"}
#: Tag (0020,000E) and type of a DICOM file's series; its name follows after two bytes of length.
SERIES = b"\x20\x00\x0e\x00UI"
#: Bytes from the start of a DICOM file in which the series is named.
HEADER = 1 << 20


def parts_of(path: str | os.PathLike) -> list[Path]:
    """Every file that a reader opens for the slide at `path`, all of them in its folder or below.

    Empty where that can't be told: an unknown format, an OME-TIFF (which may name others), a DICOM file without a
    series. Raises OSError if the slide can't be looked at.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in WHOLE and ".ome." not in path.name.lower():
        return [path]
    if suffix == ".mrxs":
        return [path, *(file for file in sorted(path.with_suffix("").rglob("*")) if file.is_file())]
    if suffix in (".vms", ".vmu"):
        named = re.findall(r"=(.+)", path.read_text(errors="replace"))
        return [path, *sorted({path.with_name(name.strip()) for name in named if _is_file_name(path, name.strip())})]
    if suffix == ".dcm":
        return _same_series(path)
    return []


def _is_file_name(path: Path, name: str) -> bool:
    return bool(name) and Path(name).name == name and path.with_name(name).is_file()


def _same_series(path: Path) -> list[Path]:
    """The files of a folder that belong to the series of one of them."""
    series = _series_of(path)
    return sorted(file for file in path.parent.iterdir() if file.is_file() and _series_of(file) == series) * bool(
        series
    )


def _series_of(path: Path) -> bytes:
    with open(path, "rb") as handle:
        header = handle.read(HEADER)
    place = header.find(SERIES) if header[128:132] == b"DICM" else -1
    if place < 0:
        return b""
    start = place + len(SERIES) + 2
    return header[start : start + int.from_bytes(header[start - 2 : start], "little")]
