"""Offsets of the JPEG frames of a DICOM slide, as pages of tiles. Source: DICOM PS3.5 7 and A.4, PS3.3 C.8.12.4.

Only the plain case is covered: one file per level, TILED_FULL, each frame one baseline JPEG stream. The rest raises
ValueError and is left to OpenSlide.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..common.slide_parts import parts_of
from .tile_decoders import JPEG, RGB, YCBCR

JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
#: Types of values whose length has four bytes, after two that are not used. PS3.5 7.1.2.
LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = (0xFFFE, 0xE000), (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD)
SYNTAX, IMAGE_TYPE = (0x0002, 0x0010), (0x0008, 0x0008)
ORGANISATION, PART_OF_LEVEL = (0x0020, 0x9311), (0x0020, 0x9162)
SAMPLES, PHOTOMETRIC, FRAMES, ROWS, COLUMNS = (0x28, 2), (0x28, 4), (0x28, 8), (0x28, 0x10), (0x28, 0x11)
WIDTH, HEIGHT, PATHS, PLANES = (0x48, 6), (0x48, 7), (0x48, 0x302), (0x48, 0x303)
OFFSETS, LENGTHS, PIXELS = (0x7FE0, 1), (0x7FE0, 2), (0x7FE0, 0x10)
WANTED = {SYNTAX, IMAGE_TYPE, ORGANISATION, PART_OF_LEVEL, SAMPLES, PHOTOMETRIC, FRAMES, ROWS, COLUMNS}
WANTED |= {WIDTH, HEIGHT, PATHS, PLANES, OFFSETS, LENGTHS}
#: An element read as a value is no longer than this, a table of offsets included.
LARGEST_VALUE = 64 << 20


@dataclass(frozen=True)
class FramePage:
    """One level of a DICOM slide with what TiffTiles asks of a page, named as tifffile names it."""

    path: str
    imagewidth: int
    imagelength: int
    tilewidth: int
    tilelength: int
    photometric: int
    dataoffsets: np.ndarray
    databytecounts: np.ndarray
    samplesperpixel: int = 3
    is_tiled: bool = True
    planarconfig: int = 1
    compression: int = JPEG
    jpegtables: bytes | None = None
    dtype: Any = np.dtype(np.uint8)


def pages_of_series(path: str | Path, levels: Sequence[tuple[int, int, float]]) -> list[FramePage]:
    """The pages that have the sizes of OpenSlide's `levels`. Raises ValueError if in doubt."""
    pages_of_size: dict[tuple[int, int], list[FramePage]] = {level[:2]: [] for level in levels}
    for part in parts_of(path):
        with open(part, "rb") as file:
            values = read_header(file)
            size = number(values, WIDTH), number(values, HEIGHT)
            if size in pages_of_size and b"VOLUME" in values.get(IMAGE_TYPE, b""):
                pages_of_size[size].append(page_of(str(part), file, values))
    if not all(len(pages) == 1 for pages in pages_of_size.values()) or len(pages_of_size) < len(levels):
        raise ValueError(
            f"{[len(pages) for pages in pages_of_size.values()]} files for the levels of the slide, not one each"
        )
    return [page for (page,) in pages_of_size.values()]


def page_of(path: str, file: BinaryIO, values: Mapping[tuple[int, int], bytes]) -> FramePage:
    """The page of a file whose header was read up to its frames."""
    if text(values, SYNTAX) != JPEG_BASELINE:
        raise ValueError(f"transfer syntax {text(values, SYNTAX)}, not baseline JPEG")
    if text(values, ORGANISATION) != "TILED_FULL" or PART_OF_LEVEL in values:
        raise ValueError("frames in an order of their own, or a level in several files")
    kinds = {"RGB": RGB, "YBR_FULL_422": YCBCR, "YBR_FULL": YCBCR}
    colour = text(values, PHOTOMETRIC)
    if colour not in kinds or number(values, SAMPLES) != 3:
        raise ValueError(f"pixels of {number(values, SAMPLES)} samples, {colour}")
    if max(number(values, PATHS), number(values, PLANES)) > 1:
        raise ValueError("several optical paths or focal planes")
    width, height, columns, rows = (number(values, tag) for tag in (WIDTH, HEIGHT, COLUMNS, ROWS))
    frames = int(text(values, FRAMES) or 0)
    if not (columns and rows) or frames != -(-width // columns) * -(-height // rows):
        raise ValueError(f"{frames} frames of {columns} x {rows} for {width} x {height} pixels")
    places, counts = place_frames(file, frames, values)
    return FramePage(path, width, height, columns, rows, kinds[colour], places, counts)


def read_header(file: BinaryIO) -> dict[tuple[int, int], bytes]:
    """Values of the WANTED elements of a file in explicit little-endian form; `file` is then at its first frame.

    Raises ValueError where there are no frames or something else is there.
    """
    if file.read(132)[128:] != b"DICM":
        raise ValueError("no DICOM file")
    values: dict[tuple[int, int], bytes] = {}
    while True:
        tag, length = next_element(file)
        if tag == PIXELS:
            if length != UNDEFINED:
                raise ValueError("frames that are not encapsulated")
            return values
        if tag in WANTED and length <= LARGEST_VALUE:
            values[tag] = file.read(length)
        elif length == UNDEFINED:
            skip_sequence(file)
        else:
            file.seek(length, os.SEEK_CUR)


def next_element(file: BinaryIO) -> tuple[tuple[int, int], int]:
    """Tag and length of the element, item or end at the position of `file`, which is left at its value."""
    head = file.read(8)
    if len(head) < 8:
        raise ValueError("the header ends early")
    tag = int.from_bytes(head[:2], "little"), int.from_bytes(head[2:4], "little")
    if tag[0] == ITEM[0]:
        return tag, int.from_bytes(head[4:], "little")
    if head[4:6] in LONG:
        return tag, int.from_bytes(file.read(4), "little")
    if not head[4:6].isalpha():
        raise ValueError(f"element {tag[0]:04X},{tag[1]:04X} has no type")
    return tag, int.from_bytes(head[6:], "little")


def skip_sequence(file: BinaryIO) -> None:
    """Pass over the items of a sequence, or the elements of an item, of undefined length."""
    open_ends = 1
    while open_ends:
        tag, length = next_element(file)
        if tag in (ITEM_END, SEQUENCE_END):
            open_ends -= 1
        elif length == UNDEFINED:
            open_ends += 1
        else:
            file.seek(length, os.SEEK_CUR)


def place_frames(file: BinaryIO, frames: int, values: Mapping[tuple[int, int], bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Byte at which each frame's stream begins and its length, from a table of the file or from item to item.

    Raises ValueError where a frame is in several items.
    """
    tag, length = next_element(file)  # the basic table of offsets, which may be empty
    if tag != ITEM or length > LARGEST_VALUE:
        raise ValueError("frames without a table of offsets")
    table = np.frombuffer(file.read(length), "<u4").astype(np.int64)
    start = file.tell()
    if OFFSETS in values and LENGTHS in values:
        table = np.frombuffer(values[OFFSETS], "<u8").astype(np.int64)
        counts = np.frombuffer(values[LENGTHS], "<u8").astype(np.int64)
    elif len(table):
        counts = np.diff(table, append=table[-1] + 8 + item_length(file, start + int(table[-1]))) - 8
    else:
        table, counts = walk_items(file, frames)
    if len(table) != frames or len(counts) != frames:
        raise ValueError(f"{len(table)} places of {frames} frames")
    for index in {0, frames // 2, frames - 1}:
        if item_length(file, start + int(table[index])) - counts[index] not in (0, 1):  # padded to an even length
            raise ValueError(f"frame {index} is in several items")
    return start + table + 8, counts


def walk_items(file: BinaryIO, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Offsets of the items from the position of `file`, and their lengths, up to the end of the sequence."""
    start = file.tell()
    offsets: list[int] = []
    counts: list[int] = []
    while len(offsets) <= frames:
        offset = file.tell() - start
        tag, length = next_element(file)
        if tag == SEQUENCE_END:
            return np.array(offsets, np.int64), np.array(counts, np.int64)
        if tag != ITEM:
            raise ValueError("something else between frames")
        offsets.append(offset)
        counts.append(length)
        file.seek(length, os.SEEK_CUR)
    raise ValueError("more items than frames")


def item_length(file: BinaryIO, place: int) -> int:
    """Length of the item whose header is at byte `place`."""
    file.seek(place)
    tag, length = next_element(file)
    if tag != ITEM:
        raise ValueError(f"no frame at byte {place}")
    return length


def text(values: Mapping[tuple[int, int], bytes], tag: tuple[int, int]) -> str:
    """A value as text without its padding; empty where there is none."""
    return values.get(tag, b"").decode("latin-1").strip("\0 ")


def number(values: Mapping[tuple[int, int], bytes], tag: tuple[int, int]) -> int:
    """An unsigned binary integer; 0 where there is none."""
    return int.from_bytes(values.get(tag, b""), "little")
