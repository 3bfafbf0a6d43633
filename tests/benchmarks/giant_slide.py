"""A slide of any size in a small file: an Aperio-like BigTIFF whose tiles all point at a few JPEG streams.

Synthetic, for tests of memory and speed. Levels agree with each other, tiles are abbreviated JPEG streams stored as
RGB with common tables, as Aperio's scanners write them.
"""

import struct
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
from molpath.demo.histology import draw_section
from molpath.demo.truth import draw_truth, generator

GLASS = 243
SHORT, LONG, ASCII, UNDEFINED, LONG8 = 3, 4, 2, 7, 16
DTYPES = {SHORT: "<u2", LONG: "<u4", ASCII: "u1", UNDEFINED: "u1", LONG8: "<u8"}
QUANTISATION, HUFFMAN, ADOBE, FRAME, SCAN = 0xDB, 0xC4, 0xEE, 0xC0, 0xDA


def write_giant(path, width, height, mpp=0.25, tile=240, levels=(1, 4, 16), pool=None, quality=70, tissue=0.25):
    """Write an SVS of `width` x `height` pixels at level 0 that OpenSlide opens as vendor aperio.

    levels: downsamples, the first 1. pool: RGB uint8 picture that fills the tissue over and over, its edges multiples
    of `tile` (default: 4 x 4 tiles of a drawn H&E section). tissue: share of the slide that is tissue, an ellipse in
    the middle made of whole tiles of the lowest level; all else is glass.
    """
    pool = tissue_picture(4 * tile) if pool is None else pool
    glass = np.full((tile, tile, 3), GLASS, np.uint8)
    is_tissue = ellipse(width, height, tile * max(levels), tissue)
    with open(path, "wb") as file:
        file.write(bytes(16))
        glass_at, tables = put_tile(file, glass, quality)
        directories = []
        for level in levels:
            size = width // level, height // level
            places = np.array([[put_tile(file, part, quality)[0] for part in row] for row in shrunk(pool, level, tile)])
            grid = lay_out(is_tissue, size, tile, max(levels) // level, places, glass_at)
            description = (
                f"Aperio Image Library v12.0.15 (synthetic)\r\n{width}x{height} [0,0 {width}x{height}] "
                f"({tile}x{tile}) -> {size[0]}x{size[1]} JPEG/RGB Q={quality}|AppMag = {round(10 / mpp)}|MPP = {mpp}"
            )
            directories.append(tags_of(size, tile, grid, tables, description, lower=level > 1))
        put_directories(file, directories)
    return Path(path)


def tissue_picture(edge):
    """RGB uint8 edge x edge x 3: the middle of a drawn section."""
    section = draw_section(generator(0, "giant", "slide"), draw_truth(0, "giant"), 2 * edge, 2 * edge)
    return np.ascontiguousarray(section[edge // 2 : edge // 2 + edge, edge // 2 : edge // 2 + edge])


def ellipse(width, height, block, share):
    """Boolean mask of blocks (rows x columns): a central ellipse that covers about `share` of the slide."""
    rows, columns = -(-height // block), -(-width // block)
    ys, xs = np.mgrid[:rows, :columns]
    distance = np.hypot((xs + 0.5) * block / width - 0.5, (ys + 0.5) * block / height - 0.5)
    mask = distance <= np.sqrt(share / np.pi)
    mask[rows // 2, columns // 2] = True
    return mask


def shrunk(pool, level, tile):
    """The picture at a level, cut to tiles (rows x columns x tile x tile x 3), repeated where it is less than one."""
    height, width = pool.shape[0] // level, pool.shape[1] // level
    small = cv2.resize(pool, (width, height), interpolation=cv2.INTER_AREA)
    small = np.tile(small, (max(1, -(-tile // height)), max(1, -(-tile // width)), 1))
    rows, columns = small.shape[0] // tile, small.shape[1] // tile
    small = small[: rows * tile, : columns * tile]
    return small.reshape(rows, tile, columns, tile, 3).swapaxes(1, 2)


def lay_out(is_tissue, size, tile, tiles_a_block, places, glass_at):
    """Offset and byte count of every tile of a level (rows x columns x 2)."""
    ys, xs = np.mgrid[: -(-size[1] // tile), : -(-size[0] // tile)]
    inside = is_tissue[
        np.minimum(ys // tiles_a_block, len(is_tissue) - 1), np.minimum(xs // tiles_a_block, is_tissue.shape[1] - 1)
    ]
    return np.where(inside[..., None], places[ys % len(places), xs % places.shape[1]], glass_at)


def put_tile(file, pixels, quality):
    """Append a tile without its tables; (offset, bytes), and the tables."""
    stream = imagecodecs.jpeg8_encode(np.ascontiguousarray(pixels), quality, colorspace="RGB", outcolorspace="RGB")
    body, tables = split_tables(stream)
    offset = file.tell()
    file.write(body)
    return (offset, len(body)), tables


def split_tables(stream):
    """A baseline JPEG stream of three components as an abbreviated one and its tables, as Aperio stores them.

    Components are numbered 0, 1, 2 and no Adobe marker says that they are red, green and blue.
    """
    body, tables, position = b"\xff\xd8", b"\xff\xd8", 2
    while True:
        marker, length = stream[position + 1], int.from_bytes(stream[position + 2 : position + 4], "big")
        segment = bytearray(stream[position : position + 2 + length])
        position += len(segment)
        if marker in (QUANTISATION, HUFFMAN):
            tables += segment
        elif marker == FRAME:
            segment[10], segment[13], segment[16] = 0, 1, 2
            body += segment
        elif marker == SCAN:
            segment[5], segment[7], segment[9] = 0, 1, 2
            return bytes(body + segment + stream[position:]), tables + b"\xff\xd9"
        elif marker != ADOBE:
            body += segment


def tags_of(size, tile, grid, tables, description, lower):
    """Tags of a tiled JPEG page: (number, type, values)."""
    return [
        (254, LONG, [int(lower)]),
        (256, LONG, [size[0]]),
        (257, LONG, [size[1]]),
        (258, SHORT, [8, 8, 8]),
        (259, SHORT, [7]),
        (262, SHORT, [2]),
        (270, ASCII, list(description.encode() + b"\0")),
        (277, SHORT, [3]),
        (284, SHORT, [1]),
        (322, SHORT, [tile]),
        (323, SHORT, [tile]),
        (324, LONG8, grid[..., 0].ravel()),
        (325, LONG, grid[..., 1].ravel()),
        (347, UNDEFINED, list(tables)),
    ]


def put_directories(file, directories):
    """Append the directories with what doesn't fit into their entries, and the header that leads to them."""
    previous = 8  # where the offset of the next directory is to be written
    for tags in directories:
        entries = b""
        for number, kind, values in tags:
            data = np.asarray(values, DTYPES[kind]).tobytes()
            if len(data) > 8:
                file.write(bytes(-file.tell() % 8))
                entries += struct.pack("<HHQQ", number, kind, len(values), file.tell())
                file.write(data)
            else:
                entries += struct.pack("<HHQ", number, kind, len(values)) + data.ljust(8, b"\0")
        file.write(bytes(-file.tell() % 8))
        start = file.tell()
        file.write(struct.pack("<Q", len(tags)) + entries + bytes(8))
        file.seek(previous)
        file.write(struct.pack("<Q", start))
        previous = start + 8 + len(entries)
        file.seek(0, 2)
    file.seek(0)
    file.write(struct.pack("<2sHHH", b"II", 43, 8, 0))
