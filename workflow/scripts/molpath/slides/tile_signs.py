"""Signs of damage in the stored bytes of a TIFF's tiles, which libraries decode without an error.

libtiff doesn't look at the checksum of deflated data, and OpenJPEG decodes what it can of a codestream. Checked are:
the checksum and length of zlib streams (RFC 1950); in JPEG 2000 the marker segments, the length of tile-parts, pairs of
bytes that coded data never hold, as the coder stuffs a bit after each 0xFF (ISO/IEC 15444-1, B.10.1 and C.2.1), and
runs of one byte that are longer than all empty packets together. A few changed bytes of JPEG 2000 can't be seen, nor
can any of tiles that are not compressed.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from math import modf, prod
from typing import Any

import numpy as np

from .damage import DamagedTile
from .tiff_pages import pages_of_levels

DEFLATE, PACKBITS, JPEG2000 = (8, 32946), 32773, (33003, 33005, 34712)
SOC, SIZ, COD, SOT, SOD, EOC = b"\xff\x4f", 0xFF51, 0xFF52, 0xFF90, 0xFF93, 0xFFD9
SOP, EPH = 0x91, 0x92
#: A run of one byte that coded data don't reach: the coder's output is as good as random.
LONGEST_RUN = 64


class TileSigns:
    """The tiles of a TIFF that OpenSlide reads, level by level; each is looked at once, when a region needs it."""

    def __init__(self, path: str, levels: list[tuple[int, int, float]]):
        import tifffile

        self.path = path
        with tifffile.TiffFile(path) as file:
            self.pages = [_Page(page) for page in pages_of_levels(file, levels)]
        self.downsamples = [level[2] for level in levels]

    def check(self, x: int, y: int, level: int, width: int, height: int) -> None:
        """Raise DamagedTile for the first tile with a sign of damage under a region (x, y: level-0 pixels)."""
        page = self.pages[level]
        if page.fault_of is None:
            return
        # A region that begins between pixels shows part of one more at its end.
        (across, left), (down, top) = (modf(place / self.downsamples[level]) for place in (x, y))
        indices = page.under(int(left), int(top), width + bool(across), height + bool(down))
        fresh = [index for index in indices if page.faults.get(index) != ""]
        if not fresh:
            return
        with open(self.path, "rb", buffering=0) as file:
            for index in fresh:
                if index not in page.faults:
                    page.faults[index] = page.look(file.fileno(), index)
                if page.faults[index]:
                    raise DamagedTile(f"tile {index}: {page.faults[index]}")


class _Page:
    """One level: the places of its tiles, and what was found in those looked at ('' for nothing)."""

    def __init__(self, page: Any) -> None:
        self.offsets, self.counts = page.dataoffsets, page.databytecounts
        self.width, self.height = page.tilewidth, page.tilelength
        self.columns, self.rows = -(-page.imagewidth // self.width), -(-page.imagelength // self.height)
        samples = page.samplesperpixel if page.planarconfig == 1 else 1
        self.fault_of = finder_of(int(page.compression), self.width * self.height * samples * page.bitspersample // 8)
        self.faults: dict[int, str] = {}

    def under(self, left: int, top: int, width: int, height: int) -> Iterator[int]:
        """Numbers of the tiles under a region of the level."""
        for row in range(max(0, top // self.height), min(self.rows, -(-(top + height) // self.height))):
            for column in range(max(0, left // self.width), min(self.columns, -(-(left + width) // self.width))):
                yield row * self.columns + column

    def look(self, descriptor: int, index: int) -> str:
        """What is wrong with a tile; '' for nothing, or for one that was never written."""
        count = self.counts[index]
        if not count:
            return ""
        data = os.pread(descriptor, count, self.offsets[index])
        if len(data) < count:
            return f"it has {count} bytes, the file ends after {len(data)} of them"
        assert self.fault_of is not None  # checked by check
        return self.fault_of(data)


def finder_of(compression: int, size: int) -> Callable[[bytes], str] | None:
    """The check for damage of a TIFF's compression (`size`: bytes of one when decoded); None where its
    decoders see what can be seen."""
    if compression in DEFLATE:
        return partial(fault_of_deflate, size=size)
    if compression == PACKBITS:
        return partial(fault_of_packbits, size=size)
    return fault_of_jpeg2000 if compression in JPEG2000 else None


def fault_of_packbits(data: bytes, size: int) -> str:
    """What is wrong with runs of PackBits that should make `size` bytes, '' for nothing; one byte may pad them."""
    place = n_decoded = 0
    while place < len(data) and n_decoded < size:
        code = data[place]
        if code < 128:  # so many bytes and one more as they are
            place, n_decoded = place + code + 2, n_decoded + code + 1
        elif code > 128:  # one byte, repeated
            place, n_decoded = place + 2, n_decoded + 257 - code
        else:
            place += 1
    if n_decoded != size or place > len(data) or len(data) - place > 1:
        return f"its {len(data)} bytes make other than {size}"
    return ""


def fault_of_deflate(data: bytes, size: int) -> str:
    """What is wrong with a zlib stream of `size` bytes, '' for nothing: some writers leave out its end."""
    stream = zlib.decompressobj()
    try:
        n_inflated = len(stream.decompress(data))
    except zlib.error as error:
        return str(error)
    return "" if stream.eof or n_inflated == size else f"its data end after {n_inflated} of {size} bytes"


def fault_of_jpeg2000(data: bytes) -> str:
    """What is wrong with a JPEG 2000 codestream (or the one in a JP2 file), '' for nothing."""
    begin = data.find(SOC + b"\xff\x51")
    if begin < 0:
        return "no JPEG 2000 codestream"
    try:
        packets, allowed, parts = read_codestream(data, begin)
    except (struct.error, IndexError, ZeroDivisionError):
        return "its marker segments are damaged or cut off"
    if not parts:
        return "its tile-parts are damaged"
    return next(filter(None, (fault_of_packets(part, packets, allowed) for part in parts)), "")


def read_codestream(data: bytes, begin: int) -> tuple[int, list[int], list[np.ndarray]]:
    """Packets of the whole codestream at most, second bytes of markers allowed among them, and each tile-part's bytes.

    No tile-parts where their markers don't follow one another. Raises struct.error or IndexError at the end of `data`.
    """
    place, width, height, components, packets, allowed = begin + 2, 0, 0, 0, 0, list[int]()
    while (marker := struct.unpack_from(">H", data, place)[0]) != SOT:
        length = struct.unpack_from(">H", data, place + 2)[0]
        if marker < 0xFF00 or length < 2:
            return 0, [], []
        if marker == SIZ:
            x1, y1, x0, y0, *_, components = struct.unpack_from(">8IH", data, place + 6)
            width, height = x1 - x0, y1 - y0
        elif marker == COD:
            packets = count_packets(data[place + 4 : place + 2 + length], width, height, components)
            allowed = [SOP] * bool(data[place + 4] & 2) + [EPH] * bool(data[place + 4] & 4)
        place += 2 + length
    parts = []
    while data[place : place + 2] == b"\xff\x90":
        length = struct.unpack_from(">I", data, place + 6)[0] or len(data) - place - 2 * data.endswith(b"\xff\xd9")
        start = data.find(b"\xff\x93", place + 12, place + length)
        if start < 0 or place + length > len(data):
            return 0, [], []
        parts.append(np.frombuffer(data[start + 2 : place + length], np.uint8))
        place += length
    ended = data[place : place + 2] in (b"\xff\xd9", b"")
    return packets, allowed, parts if ended else []


def count_packets(segment: bytes, width: int, height: int, components: int) -> int:
    """Packets that an image has by its segment COD: its layers, resolutions, components and precincts."""
    layers, levels = struct.unpack_from(">H", segment, 2)[0], segment[5]
    sizes = segment[10 : 11 + levels] if segment[0] & 1 else bytes([0xFF]) * (levels + 1)
    precincts = 0
    for resolution in range(levels + 1):
        shrink, size = 2 ** (levels - resolution), sizes[resolution]
        edges = (-(-width // shrink), 2 ** (size & 15)), (-(-height // shrink), 2 ** (size >> 4))
        precincts += prod(-(-extent // edge) + 1 for extent, edge in edges)  # one more where they don't begin at 0
    return layers * components * precincts


def fault_of_packets(part: np.ndarray, packets: int, allowed: list[int]) -> str:
    """What is wrong with the packets of a tile-part (uint8): '' for nothing."""
    behind = part[1:][part[:-1] == 0xFF]
    if ((behind > 0x8F) & ~np.isin(behind, allowed)).any():
        return "its packets hold bytes that JPEG 2000 can't have"
    changes = np.flatnonzero(np.diff(part))
    runs = np.diff(np.concatenate([[-1], changes, [len(part) - 1]])) if len(part) else np.zeros(1)
    longest = int(runs.max())
    if longest > packets + LONGEST_RUN:
        return f"its packets hold {longest} equal bytes, more than {packets} empty packets can"
    return ""
