"""Slide files broken in every way that disks, networks, scanners and ill will have: bytes in, bytes out.

Each mutation takes the bytes of a good file and a random generator and gives the bytes of a bad one (or, now and then,
of one that still opens).
"""

import struct

import numpy as np

NASTY = (0, 1, 2, 7, 255, 65535, 65536, 2**24, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1)
SUFFIXES = (".svs", ".tiff", ".ndpi", ".scn", ".mrxs", ".vms", ".dcm", ".bif", ".png", ".jpg", ".ome.tif", ".czi", "")
JPEG_MARKERS = (0xC0, 0xC4, 0xDA, 0xDB, 0xD9, 0xD8)


def truncated(data, rng):
    """The file ends anywhere."""
    return data[: int(rng.integers(0, len(data)))]


def truncated_near_the_end(data, rng):
    """A few bytes are missing."""
    return data[: -int(rng.integers(1, 64))]


def with_flipped_bits(data, rng):
    """Up to 64 bits anywhere are the other way round."""
    return flip(data, rng, np.arange(len(data)))


def with_flipped_bits_in_directories(data, rng):
    """Up to 16 bits of the header and of directories are the other way round."""
    places = [
        *range(8),
        *(place for start, count in directories(data) for place in range(start, start + 2 + 12 * count)),
    ]
    return flip(data, rng, np.array(places), limit=16)


def with_a_nasty_field(data, rng):
    """Type, count or value of an entry of a directory is a number that hurts."""
    out = bytearray(data)
    for _ in range(int(rng.integers(1, 4))):
        start, count = pick(rng, directories(data))
        entry = start + 2 + 12 * int(rng.integers(count))
        value = int(rng.choice([*NASTY, len(data), len(data) - 1, entry]))
        if rng.random() < 0.2:
            out[entry + 2 : entry + 4] = struct.pack("<H", value % 20)
        elif rng.random() < 0.4:
            out[entry + 4 : entry + 8] = struct.pack("<I", value % 2**32)
        else:
            out[entry + 8 : entry + 12] = struct.pack("<I", value % 2**32)
    return bytes(out)


def with_nasty_offsets(data, rng):
    """Where tiles are and how long they are is made up."""
    out = bytearray(data)
    for start, count in directories(data):
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length, place = struct.unpack("<HHII", data[entry : entry + 12])
            if tag in (324, 325, 273, 279) and kind == 4 and length > 1 and rng.random() < 0.5:
                value = int(rng.choice([*NASTY, len(data), len(data) // 2, start]))
                at = place + 4 * int(rng.integers(length))
                out[at : at + 4] = struct.pack("<I", value % 2**32)
    return bytes(out)


def with_a_loop(data, rng):
    """A directory is followed by itself or by one before it."""
    listed = directories(data)
    start, count = listed[-1]
    out = bytearray(data)
    out[start + 2 + 12 * count : start + 6 + 12 * count] = struct.pack("<I", pick(rng, listed)[0])
    return bytes(out)


def with_the_next_directory_nowhere(data, rng):
    """A directory is followed by one beyond the end, or in the middle of pixels."""
    start, count = pick(rng, directories(data))
    out = bytearray(data)
    value = int(rng.choice([len(data) + 8, 2**32 - 16, int(rng.integers(8, len(data)))]))
    out[start + 2 + 12 * count : start + 6 + 12 * count] = struct.pack("<I", value)
    return bytes(out)


def with_a_hole(data, rng):
    """A stretch of the file is zeros or ones, as a lost block of a disk or network leaves it."""
    out = bytearray(data)
    start = int(rng.integers(0, len(data)))
    length = min(int(rng.choice([16, 512, 4096, 32768])), len(data) - start)
    out[start : start + length] = pick(rng, (b"\0", b"\xff")) * length
    return bytes(out)


def with_a_stretch_moved(data, rng):
    """A stretch of the file stands somewhere else as well."""
    length = int(rng.integers(1, 8192))
    source, target = (int(rng.integers(0, max(1, len(data) - length))) for _ in range(2))
    return data[:target] + data[source : source + length] + data[target + length :]


def with_broken_jpeg_headers(data, rng):
    """Bytes after JPEG markers (sizes, tables) are made up."""
    out = bytearray(data)
    places = [i for i in range(len(data) - 1) if data[i] == 0xFF and data[i + 1] in JPEG_MARKERS]
    for _ in range(int(rng.integers(1, 6))):
        start = int(pick(rng, places)) + int(rng.integers(2, 16)) if places else 0
        out[start : start + 2] = rng.bytes(2)
    return bytes(out[: len(data)])


def of_noise(data, rng):
    """Noise, with or without the header of a TIFF."""
    return pick(rng, (b"", data[:8], data[:64])) + rng.bytes(int(rng.integers(0, 4096)))


MUTATIONS = (
    truncated,
    truncated_near_the_end,
    with_flipped_bits,
    with_flipped_bits_in_directories,
    with_a_nasty_field,
    with_nasty_offsets,
    with_a_loop,
    with_the_next_directory_nowhere,
    with_a_hole,
    with_a_stretch_moved,
    with_broken_jpeg_headers,
    of_noise,
)


def pick(rng, things):
    """One of a sequence."""
    return things[int(rng.integers(len(things)))]


def flip(data, rng, places, limit=64):
    """Bits at up to `most` of the places the other way round."""
    out = np.frombuffer(data, np.uint8).copy()
    chosen = rng.choice(places, int(rng.integers(1, limit)))
    np.bitwise_xor.at(out, chosen, (1 << rng.integers(0, 8, len(chosen))).astype(np.uint8))
    return out.tobytes()


def directories(data):
    """Offset and number of entries of every directory of a classic little-endian TIFF."""
    listed, offset = [], struct.unpack("<I", data[4:8])[0]
    while offset:
        count = struct.unpack("<H", data[offset : offset + 2])[0]
        listed.append((offset, count))
        offset = struct.unpack("<I", data[offset + 2 + 12 * count : offset + 6 + 12 * count])[0]
    return listed


def tiff_of(entries, links=None):
    """A classic TIFF of directories without pixels: `entries`: for each its (tag, type, count, value); `links`: index
    of the directory that follows each (default: the next)."""
    sizes = [2 + 12 * len(tags) + 4 for tags in entries]
    starts = [8 + sum(sizes[:i]) for i in range(len(entries))]
    follows = links or [*range(1, len(entries)), None]
    out = [struct.pack("<2sHI", b"II", 42, 8)]
    for tags, following in zip(entries, follows, strict=True):
        out.append(struct.pack("<H", len(tags)))
        out += [struct.pack("<HHII", *tag) for tag in tags]
        out.append(struct.pack("<I", 0 if following is None else starts[following]))
    return b"".join(out)


def image_tags(width, height, tile_width=256, tile_height=256, tiles=1):
    """Entries of a tiled RGB image whose tiles are declared to be at byte 8."""
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 7),
        (262, 3, 1, 2),
        (277, 3, 1, 3),
        (322, 4, 1, tile_width),
        (323, 4, 1, tile_height),
        (324, 4, tiles, 8),
        (325, 4, tiles, 16),
    ]


def strip_tags(width, height, rows, strips):
    """Entries of an image in strips that are declared to be at byte 8."""
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, strips, 8),
        (277, 3, 1, 1),
        (278, 4, 1, rows),
        (279, 4, strips, 8),
    ]


def adversarial():
    """(name, bytes, what its detail must say) of files made to hurt."""
    yield "a_million_images", million_images(), "more than 4096 images"
    yield "itself", tiff_of([image_tags(256, 256)], links=[0]), "endless loop"
    yield "a_ring", tiff_of([image_tags(256, 256)] * 3, links=[1, 2, 0]), "endless loop"
    for edge in (2**31 - 1, 2**31, 2**32 - 1):
        yield f"edge_{edge}", tiff_of([image_tags(edge, edge)]), "no slide has that size"
    yield "thin", tiff_of([image_tags(2**31, 1)]), "no slide has that size"
    yield "large", tiff_of([image_tags(2**22, 2**22)]), "needs 268435456 tiles"
    yield "tile_0", tiff_of([image_tags(512, 512, 0, 0)]), "tiles or strips of 0 x 0"
    yield "tile_huge", tiff_of([image_tags(512, 512, 2**31, 2**31)]), "tiles or strips of 2147483648"
    yield "strips_0", tiff_of([strip_tags(512, 512, 0, 1)]), "tiles or strips of 512 x 0"
    yield "strips_many", tiff_of([strip_tags(512, 2**20, 1, 2**30)]), "the values of tag 273"
    yield "tiles_many", tiff_of([image_tags(2**20, 2**20, 16, 16, 2**31)]), "the values of tag 324"
    yield "no_size", tiff_of([[(259, 3, 1, 7)]]), "no slide has that size"
    yield "no_image", struct.pack("<2sHI", b"II", 42, 0), "without an image"
    yield "far_directory", struct.pack("<2sHI", b"II", 42, 2**32 - 8), "a directory at byte"
    yield "big_far", struct.pack("<2sHHHQ", b"II", 43, 8, 0, 2**63), "a directory at byte"
    yield "big_count", struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, 2**62), "entries at byte"
    yield "empty", b"", "empty"


def million_images():
    """An image and a chain of a million directories with one tag after it, made in one go."""
    first = bytearray(tiff_of([image_tags(256, 256)]))
    first[-4:] = struct.pack("<I", len(first))
    entry = np.dtype(
        [("count", "<u2"), ("tag", "<u2"), ("type", "<u2"), ("n", "<u4"), ("value", "<u4"), ("next", "<u4")]
    )
    chain = np.zeros(10**6, entry)
    for name, value in (("count", 1), ("tag", 256), ("type", 4), ("n", 1), ("value", 16)):
        chain[name] = value
    chain["next"] = len(first) + entry.itemsize * np.arange(1, len(chain) + 1)
    chain["next"][-1] = 0
    return bytes(first) + chain.tobytes()
