"""Slides of 16 x 16 tiles in several codecs, and damage to some of their tiles."""

import shutil
from pathlib import Path

import numpy as np
import tifffile
from slide_files import picture

TILE, ACROSS = 64, 16
CODECS = {
    "jpeg": {"compression": "jpeg", "compressionargs": {"level": 75, "outcolorspace": "ycbcr"}, "photometric": "ycbcr"},
    "deflate": {"compression": "deflate"},
    "lzw": {"compression": "lzw"},
    "jpeg2000": {"compression": "aperio_jp2000_rgb"},
    "none": {},
}


def write_slide(path, codec, mpp=0.5, pixels=None):
    """An SVS (of OME-TIFF, by its suffix) of ACROSS x ACROSS tiles of TILE x TILE pixels; returns its pixels."""
    pixels = picture(TILE * ACROSS, TILE * ACROSS) if pixels is None else pixels
    options = {"tile": (TILE, TILE), "photometric": "rgb"} | CODECS[codec]
    if str(path).endswith(".ome.tif"):
        if codec == "jpeg2000":
            options["compression"] = "jpeg2000"
        options["metadata"] = {"axes": "YXS", "PhysicalSizeX": mpp, "PhysicalSizeY": mpp}
        tifffile.imwrite(path, pixels, ome=True, **options)
    else:
        description = f"Aperio Image Library (synthetic)\r\n|MPP = {mpp}"
        tifffile.imwrite(path, pixels, description=description, metadata=None, **options)
    return pixels


def damage_tiles(path, tiles, how="all-random"):
    """Overwrite stored bytes of tiles: all of them, the second half, or 512 in the middle; with zeros or random ones.

    `how`: all, half or sector; then zero, random or ff. `flip` changes one bit in the middle.
    """
    part, _, content = how.partition("-")
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        places = [(page.dataoffsets[index], page.databytecounts[index]) for index in tiles]
    rng = np.random.default_rng(0)
    with open(path, "r+b") as handle:
        for offset, count in places:
            start, length = {
                "all": (offset, count),
                "half": (offset + count // 2, count - count // 2),
                "sector": (offset + count // 2, min(512, count // 4)),
                "flip": (offset + count // 2, 1),
            }[part]
            handle.seek(start)
            old = handle.read(length)
            new = {"zero": bytes(length), "ff": b"\xff" * length, "random": rng.bytes(length)}.get(content)
            handle.seek(start)
            handle.write(bytes([old[0] ^ 16]) if new is None else new)


def damaged_copy(path, tiles, how="all-random"):
    """A copy of a slide, in the same folder, with damaged tiles."""
    copied = Path(path).with_name(f"damaged-{Path(path).name}")
    shutil.copyfile(path, copied)
    damage_tiles(copied, tiles, how)
    return copied
