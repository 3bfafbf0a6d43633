"""The files of a slide: one for most formats, a folder or a series for some."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from collections.abc import Iterator
from pathlib import Path

#: Suffixes of formats whose slides are one file each.
WHOLE = {".svs", ".svslide", ".tif", ".tiff", ".btf", ".ndpi", ".scn", ".bif", ".czi", ".png", ".jpg", ".jpeg"}
#: What to do with formats that no reader here opens, or not always, by suffix.
_CONVERT = "convert it to OME-TIFF with bioformats2raw and raw2ometiff --rgb"
REMEDIES = {
    ".ndpis": "a list of slides (.ndpis): write one row per .ndpi file that it names",
    ".zarr": "OME-Zarr, which is not read here: convert it to OME-TIFF with raw2ometiff --rgb",
    ".isyntax": "convert it to OME-TIFF with isyntax2raw and raw2ometiff --rgb",
    ".ets": f"this is a part of a VSI slide; {_CONVERT}",
    **dict.fromkeys((".czi", ".vsi", ".lif"), _CONVERT),
    **dict.fromkeys((".sdpc", ".kfb"), "convert it to TIFF or SVS with the maker's tool"),
}
#: Indexes of Hamamatsu's slides of several files.
INDEXES = (".vms", ".vmu")
#: Keys of an index, or of a MRXS slide's Slidedat.ini, that name a file.
NAMED = re.compile(
    r"(?m)^[ \t]*(?:ImageFile[^=]*|MapFile|MacroImage|OptimisationFile|INDEXFILE|FILE_\d+)[ \t]*=[ \t]*(.+?)\s*$"
)
#: Tag, type of value and, after them, two bytes of length of a DICOM file's kind of image and of its series.
IMAGE_TYPE, SERIES = b"\x08\x00\x08\x00CS", b"\x20\x00\x0e\x00UI"
#: The same of the identifier on the glass slide (ContainerIdentifier).
CONTAINER = b"\x40\x00\x12\x05LO"
#: Tag, type and length of the width in pixels of the picture that a DICOM file's frames make together.
TOTAL_WIDTH = b"\x48\x00\x06\x00UL\x04\x00"
#: Prefix of transfer syntaxes with compressed frames, which end with an item without length.
ENCAPSULATED, DICOM_END, JPEG_END = b"1.2.840.10008.1.2.4.", b"\xfe\xff\xdd\xe0", b"\xff\xd9"
#: Bytes from the start of a DICOM file that contain these, usually and at most.
HEADERS = (1 << 14, 1 << 20)


class NoSlideHere(Exception):
    """The path doesn't name a single slide; the message says what to name instead."""


def parts_of(path: str | os.PathLike[str]) -> list[Path]:
    """Every file that a reader opens for the slide at `path`, in its folder or below.

    A folder means the DICOM series in it. Empty if unknown: an unknown format, an OME-TIFF (which
    may name others), a DICOM file without a series. Raises OSError if the slide can't be accessed.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in WHOLE and ".ome." not in path.name.lower():
        return [path]
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file() and is_dicom(file))
    if suffix == ".mrxs":
        return [path, *(file for file in sorted(path.with_suffix("").rglob("*")) if file.is_file())]
    if suffix in INDEXES:
        return [path, *(named_file for name in _named_in(path) if (named_file := path.with_name(name)).is_file())]
    if is_dicom(path):
        series = dict(_headers(str(path.parent), os.stat(path.parent).st_mtime_ns)).get(path.name, b"")
        return _same_series(path.parent, series) if series else []
    return []


def files_of(path: str | os.PathLike[str]) -> list[Path]:
    """`parts_of`, or only the file at `path` if they are unknown."""
    try:
        return parts_of(path) or [Path(path)]
    except OSError:
        return [Path(path)]


def state_of(path: str | os.PathLike[str]) -> str:
    """Number, bytes and times (s) of a slide's files, to detect a replaced one."""
    states = []
    for file in files_of(path):
        with contextlib.suppress(FileNotFoundError):
            states.append(os.stat(file))
    times = [int(state.st_mtime) for state in states]
    return (
        f"{len(states)} files, {sum(state.st_size for state in states)} bytes, {max(times, default=0)} {sum(times)} s"
    )


def entry_of(path: str | os.PathLike[str]) -> str:
    """The file that readers open for the slide at `path`: one file of the series if it is a folder.

    Raises NoSlideHere if a folder has no or several DICOM series, and for lists of slides.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".ndpis" or (suffix in REMEDIES and path.is_dir()):
        raise NoSlideHere(REMEDIES[suffix])
    if not path.is_dir():
        return str(path)
    headers = _headers(str(path), os.stat(path).st_mtime_ns)
    series = {uid for _, uid in headers}
    if len(series) != 1:
        if series:
            remedy = "give each series a folder, or name one file of each in a row of its own (molpath init does)"
            raise NoSlideHere(f"a folder with {len(series)} DICOM series: {remedy}")
        raise NoSlideHere("a folder without a DICOM series: name one file of the slide")
    return str(path / headers[0][0])


def series_in(folder: str | os.PathLike[str]) -> dict[str, list[Path]]:
    """The DICOM files of a folder by SeriesInstanceUID, series and files in order of names."""
    series: dict[str, list[Path]] = {}
    for name, uid in _headers(str(folder), os.stat(folder).st_mtime_ns):
        series.setdefault(uid.decode("ascii", "replace").strip("\0 "), []).append(Path(folder, name))
    return series


def container_of(path: Path) -> str:
    """Identifier of the glass slide that a DICOM file names; '' where it names none."""
    return _value(_header_of(path, HEADERS[0]), CONTAINER).decode("utf-8", "replace").strip("\0 ")


def missing_parts(path: str | os.PathLike[str]) -> list[str]:
    """Files named by a slide's index that are missing or empty."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in INDEXES:
        folder, index = path.parent, path
    elif suffix == ".mrxs":
        folder = path.with_suffix("")
        index = folder / "Slidedat.ini"
        if not index.is_file():
            return [f"{folder.name}/Slidedat.ini"]
    else:
        return []
    return [name for name in _named_in(index) if not (folder / name).is_file() or not (folder / name).stat().st_size]


def cut_parts(path: str | os.PathLike[str]) -> list[str]:
    """Names of JPEG and DICOM files of a slide without their end marker; MRXS has none."""
    cut = []
    for file in parts_of(path):
        if file.suffix.lower() in (".jpg", ".jpeg") and Path(path) != file:
            marker = JPEG_END
        elif ENCAPSULATED in _header_of(file, HEADERS[0]):
            marker = DICOM_END
        else:
            continue
        with open(file, "rb") as handle:
            handle.seek(max(0, file.stat().st_size - HEADERS[0]))
            if marker not in handle.read():
                cut.append(file.name)
    return cut


def lacks_its_finest(path: str | os.PathLike[str]) -> bool:
    """True if the largest image of a DICOM series says that it is a smaller copy of another (RESAMPLED)."""
    largest: tuple[int, bytes] = 0, b""
    for file in parts_of(path):
        header = _header_of(file, HEADERS[1])
        kind = _value(header, IMAGE_TYPE)
        offset = header.find(TOTAL_WIDTH) + len(TOTAL_WIDTH)
        if b"VOLUME" in kind and offset >= len(TOTAL_WIDTH):
            largest = max(largest, (int.from_bytes(header[offset : offset + 4], "little"), kind))
    return b"RESAMPLED" in largest[1]


def is_dicom(path: Path) -> bool:
    """True if a file begins as DICOM files do."""
    with open(path, "rb") as handle:
        return handle.read(132)[128:] == b"DICM"


def _named_in(index: Path) -> list[str]:
    """Files named by an index, in its folder."""
    names = NAMED.findall(index.read_text(encoding="utf-8-sig", errors="replace"))
    return sorted({name for name in names if Path(name).name == name})


def _same_series(folder: Path, series: bytes) -> list[Path]:
    """The files of a folder that belong to a series."""
    return [folder / name for name, uid in _headers(str(folder), os.stat(folder).st_mtime_ns) if uid == series]


@functools.lru_cache(maxsize=4096)
def _headers(folder: str, _mtime: int) -> list[tuple[str, bytes]]:
    """Name and series of each DICOM file of a folder, cached as long as the folder is unchanged."""
    return list(_series_of_files(Path(folder)))


def _series_of_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(file for file in folder.iterdir() if file.is_file()):
        for length in HEADERS:
            if series := _value(_header_of(file, length), SERIES):
                yield file.name, series
                break


def _header_of(path: Path, length: int) -> bytes:
    """The first bytes of a DICOM file; none of another."""
    with open(path, "rb") as handle:
        header = handle.read(length)
    return header if header[128:132] == b"DICM" else b""


def _value(header: bytes, tag: bytes) -> bytes:
    """The value of the first element with this tag and type; empty where there is none."""
    offset = header.find(tag)
    start = offset + len(tag) + 2
    return header[start : start + int.from_bytes(header[start - 2 : start], "little")] if offset >= 0 else b""
