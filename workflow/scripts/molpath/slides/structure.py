"""Is a TIFF complete: offsets of its directories and image data, compared with the file, without reading a pixel.

Slide libraries trust these numbers; a file that lies about them costs hours or the process. Source: TIFF 6.0, the
BigTIFF proposal, and what OpenSlide's pages say about NDPI beyond 4 GB.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: More images, pixels along an edge, pixels along a tile's edge, or tiles in an image than this is no slide.
MOST_IMAGES, LONGEST_EDGE, LONGEST_TILE_EDGE, MOST_TILES = 4096, 1 << 22, 1 << 15, 1 << 27
WIDTH, HEIGHT, DESCRIPTION, UNIT = 256, 257, 270, 296
ROWS_PER_STRIP, TILE_WIDTH, TILE_HEIGHT, SUB_IMAGES, NDPI = 278, 322, 323, 330, 65420
DEPTH = 65424  # of an NDPI's focal plane, 0 for the one that OpenSlide shows
STRIPS, TILES = (273, 279), (324, 325)
WANTED = {
    DEPTH,
    WIDTH,
    HEIGHT,
    DESCRIPTION,
    UNIT,
    ROWS_PER_STRIP,
    TILE_WIDTH,
    TILE_HEIGHT,
    SUB_IMAGES,
    NDPI,
    *STRIPS,
    *TILES,
}
#: Bytes of a value by TIFF type, and numpy's name of those that are whole numbers.
BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
INTEGERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}


class Broken(Exception):
    """The file can't be a slide; `reason` is one of common.reasons.REASONS (unreadable or truncated)."""

    def __init__(self, reason: str, detail: str):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail


@dataclass(frozen=True)
class Facts:
    """The first directory's description, whether its resolution has a unit of length, and focal planes of an NDPI."""

    description: str
    names_unit: bool
    depths: int = 1


def examine(path: str | os.PathLike) -> Facts | None:
    """Walk every directory of a TIFF; None if the file is no TIFF. Raises Broken with the first thing that is wrong."""
    size = os.path.getsize(path)
    if not size:
        raise Broken("truncated", "the file is empty")
    with open(path, "rb") as handle:
        head = handle.read(16)
        layout = layout_of(head)
        if layout is None:
            return None
        file = _File(handle, size, *layout)
        first, depths = None, {0}
        for tags in file.directories(file.number(file.read(file.word, file.word, "its header"))):
            check_image(tags, size, is_first=first is None)
            first = tags if first is None else first
            depths.add(int.from_bytes(bytes(tags.get(DEPTH, b"")), "little"))
    if first is None:
        raise Broken("unreadable", "a TIFF without an image")
    description = bytes(first.get(DESCRIPTION, b"")).rstrip(b"\0").decode("utf-8", "replace")
    return Facts(description, first_of(first, UNIT) > 1, len(depths) if file.is_ndpi else 1)


def layout_of(head: bytes) -> tuple[str, int] | None:
    """Byte order (< or >) and the place of the first directory's offset (4, BigTIFF 8); None if this is no TIFF."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or len(head) < 8:
        return None
    version = struct.unpack(f"{order}H", head[2:4])[0]
    return {42: (order, 4), 43: (order, 8)}.get(version)


class _File:
    """An open TIFF: numbers, directories, and values that are checked against its length before they are read."""

    def __init__(self, handle, size: int, order: str, word: int):
        self.handle, self.size, self.order, self.word = handle, size, order, word
        self.is_big = word == 8
        self.is_ndpi = False

    def number(self, data: bytes) -> int:
        """An unsigned number of 2, 4 or 8 bytes."""
        return int.from_bytes(data, "little" if self.order == "<" else "big")

    def read(self, offset: int, count: int, content: str) -> bytes:
        """`count` bytes at `offset`. Raises Broken if the file ends before."""
        if offset + count > self.size:
            raise Broken("truncated", f"the file ends at byte {self.size}, {content} at byte {offset + count}")
        self.handle.seek(offset)
        data = self.handle.read(count)
        if len(data) < count:
            raise Broken("truncated", f"the file ended at byte {offset + len(data)} while it was read")
        return data

    def directories(self, offset: int):
        """Yield the wanted tags of every directory, then of every sub-image (levels of an OME-TIFF)."""
        offsets: set[int] = set()
        waiting: deque[int] = deque()
        while offset:
            if offset in offsets:
                raise Broken("unreadable", f"the directory at byte {offset} comes again after itself: an endless loop")
            tags, offset = self.visit(offset, offsets)
            waiting.extend(map(int, tags.get(SUB_IMAGES, ())))
            yield tags
        while waiting:
            place = waiting.popleft()
            if place and place not in offsets:  # some writers list sub-images and chain them as well
                tags, following = self.visit(place, offsets)
                waiting.extend([following, *map(int, tags.get(SUB_IMAGES, ()))])
                yield tags

    def visit(self, offset: int, offsets: set[int]) -> tuple[dict, int]:
        """As `directory`, of one that was not seen yet. Raises Broken if there are too many."""
        if len(offsets) == MOST_IMAGES:
            raise Broken("unreadable", f"more than {MOST_IMAGES} images in one file")
        offsets.add(offset)
        return self.directory(offset)

    def directory(self, offset: int) -> tuple[dict, int]:
        """Wanted tags (integers as arrays, texts as bytes) of the directory at `offset`, and the next one's offset."""
        counter, entry = (8, 20) if self.is_big else (2, 12)
        count = self.number(self.read(offset, counter, "a directory"))
        table = self.read(offset + counter, count * entry, "a directory's entries")
        end = offset + counter + len(table)
        following = self.number(self.read(end, self.word, "the link to the next directory"))
        entries = [table[i : i + entry] for i in range(0, len(table), entry)]
        numbers = [self.number(row[:2]) for row in entries]
        self.is_ndpi = self.is_ndpi or NDPI in numbers
        high = [0] * count
        if self.is_ndpi and not self.is_big and self.size >> 32:
            # Beyond 4 GB the link has 8 bytes, and the upper halves of all values follow it.
            following = self.number(self.read(end, 8, "the link to the next directory"))
            halves = self.read(end + 8, 4 * count, "a directory's upper halves")
            high = [self.number(halves[i : i + 4]) for i in range(0, len(halves), 4)]
        rows = zip(numbers, entries, high, strict=True)
        return {number: self.value(row, upper) for number, row, upper in rows if number in WANTED}, following

    def value(self, entry: bytes, upper: int) -> np.ndarray | bytes:
        """Value of a directory's entry; `upper`: its upper half in an NDPI beyond 4 GB."""
        kind, count = self.number(entry[2:4]), self.number(entry[4 : 4 + self.word])
        place = entry[4 + self.word :]
        length = count * BYTES.get(kind, 1)
        if upper and length == self.word:
            return np.array([self.number(place) + (upper << 32)], np.uint64)
        if length <= self.word:
            data = place[:length]
        else:
            content = f"the values of tag {self.number(entry[:2])}"
            data = self.read(self.number(place) + (upper << 32), length, content)
        if kind not in INTEGERS:
            return data
        return np.frombuffer(data, self.order + INTEGERS[kind]).astype(np.uint64)


def check_image(tags: Mapping[int, np.ndarray | bytes], size: int, is_first: bool) -> None:
    """Raise Broken if an image is impossible, or its data go beyond the end of the file (`size` bytes).

    Of what can't be a level of the slide, because it comes later and has no tiles, only ends are checked: tools that
    take labels out of slides leave odd directories behind.
    """
    if is_first or TILES[0] in tags:
        check_size(tags)
    offsets, counts = data_of(tags)
    stored = counts[: len(offsets)] > 0  # a tile of no bytes was never scanned
    ends = offsets[: len(counts)].astype(float) + counts[: len(offsets)]
    if (end := ends[stored].max(initial=0)) > size:
        sentence = f"the file ends at byte {size}, its image data at byte {end:.0f}: an incomplete copy or download"
        raise Broken("truncated", sentence)


def check_size(tags: Mapping[int, np.ndarray | bytes]) -> None:
    """Raise Broken if an image is empty, larger than any slide, or lists too few tiles or strips for its size."""
    width, height = first_of(tags, WIDTH), first_of(tags, HEIGHT)
    image = f"an image of {width} x {height} pixels"
    if not 0 < width <= LONGEST_EDGE or not 0 < height <= LONGEST_EDGE:
        raise Broken("unreadable", f"{image}: no slide has that size")
    is_tiled = TILE_WIDTH in tags or TILE_HEIGHT in tags
    across = first_of(tags, TILE_WIDTH) if is_tiled else width
    down = first_of(tags, TILE_HEIGHT) if is_tiled else min(height, first_of(tags, ROWS_PER_STRIP, height))
    if not across or not down or (is_tiled and max(across, down) > LONGEST_TILE_EDGE):
        raise Broken("unreadable", f"{image} in tiles or strips of {across} x {down}")
    needed, listed = -(-width // across) * -(-height // down), len(data_of(tags)[0])
    if listed < needed or needed > MOST_TILES:
        raise Broken("unreadable", f"{image} needs {needed} tiles or strips of {across} x {down}, {listed} are listed")


def data_of(tags: Mapping[int, np.ndarray | bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Offsets and byte counts of an image's tiles or strips, empty where they are not listed."""
    names = TILES if TILES[0] in tags else STRIPS
    values_of_tags = (tags.get(name) for name in names)
    offsets, counts = (
        values if isinstance(values, np.ndarray) else np.empty(0, np.uint64) for values in values_of_tags
    )
    return offsets, counts


def first_of(tags: Mapping[int, np.ndarray | bytes], tag: int, default: int = 0) -> int:
    """A tag's first number, `default` where there is none."""
    values = tags.get(tag)
    return int(values[0]) if isinstance(values, np.ndarray) and len(values) else default
