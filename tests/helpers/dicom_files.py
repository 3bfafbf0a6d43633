"""Whole-slide DICOM files of a few tiles, with what OpenSlide asks of them. Source: DICOM PS3.3 C.8.12, PS3.5."""

import struct

import cv2
import numpy as np

SLIDE_CLASS = b"1.2.840.10008.5.1.4.1.1.77.1.6"
JPEG_BASELINE = b"1.2.840.10008.1.2.4.50"
LONG = (b"OB", b"OV", b"OW", b"SQ", b"UN", b"UT")


def element(group, number, kind, value):
    """An element in explicit little-endian form; `value` is padded to an even length."""
    if len(value) % 2:
        value += b"\0" if kind in (b"UI", b"OB") else b" "
    head = struct.pack("<HH", group, number) + kind
    return head + (struct.pack("<HI", 0, len(value)) if kind in LONG else struct.pack("<H", len(value))) + value


def item(value):
    """An item of a sequence or of encapsulated pixels."""
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def short(group, number, value):
    """An unsigned short."""
    return element(group, number, b"US", struct.pack("<H", value))


def write_instance(
    path,
    pixels,
    mpp,
    series,
    number,
    kind="NONE",
    tile=64,
    mark=b"",
    table="basic",
    quality=95,
    tiling=b"TILED_FULL",
    container=b"",
):
    """One level of a series: `pixels` (uint8 height x width x 3, whole tiles) as JPEG frames, TILED_FULL.

    kind: fourth value of ImageType, NONE for the scan and RESAMPLED for lower levels; series: text of digits and dots.
    container: identifier of the glass slide, left out where empty.
    table: where the offsets of frames stand, `basic`, `extended` or `none`; beyond an edge its last pixels go on.
    """
    height, width = pixels.shape[:2]
    whole = np.pad(pixels, ((0, -height % tile), (0, -width % tile), (0, 0)), mode="edge")
    frames = []
    for y in range(0, height, tile):
        for x in range(0, width, tile):
            block = np.ascontiguousarray(whole[y : y + tile, x : x + tile, ::-1])
            data = cv2.imencode(".jpg", block, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
            frames.append(data + b"\0" * (len(data) % 2))
    lengths = [len(frame) for frame in frames]
    offsets = np.cumsum([0, *(length + 8 for length in lengths[:-1])]).tolist()
    extended = element(0x7FE0, 1, b"OV", struct.pack(f"<{len(frames)}Q", *offsets)) + element(
        0x7FE0, 2, b"OV", struct.pack(f"<{len(frames)}Q", *lengths)
    )
    uid = f"{series}.{number}".encode()
    meta = (
        element(2, 1, b"OB", b"\0\1")
        + element(2, 2, b"UI", SLIDE_CLASS)
        + element(2, 3, b"UI", uid)
        + element(2, 0x10, b"UI", JPEG_BASELINE)
        + element(2, 0x12, b"UI", b"1.2.3.4")
    )
    spacing = f"{mpp / 1000:.6g}\\{mpp / 1000:.6g}".encode()
    measures = element(0x28, 0x9110, b"SQ", item(element(0x28, 0x30, b"DS", spacing)))
    body = (
        element(8, 8, b"CS", f"ORIGINAL\\PRIMARY\\VOLUME\\{kind}".encode())
        + element(8, 0x16, b"UI", SLIDE_CLASS)
        + element(8, 0x18, b"UI", uid)
        + element(8, 0x60, b"CS", b"SM")
        + element(0x20, 0xD, b"UI", b"1.2.3")
        + element(0x20, 0xE, b"UI", series.encode())
        + element(0x20, 0x13, b"IS", str(number).encode())
        + element(0x20, 0x4000, b"LT", mark)
        + element(0x20, 0x9311, b"CS", tiling)
        + short(0x28, 2, 3)
        + element(0x28, 4, b"CS", b"YBR_FULL_422")
        + short(0x28, 6, 0)
        + element(0x28, 8, b"IS", str(len(frames)).encode())
        + short(0x28, 0x10, tile)
        + short(0x28, 0x11, tile)
        + short(0x28, 0x100, 8)
        + short(0x28, 0x101, 8)
        + short(0x28, 0x102, 7)
        + short(0x28, 0x103, 0)
        + (element(0x40, 0x512, b"LO", container) if container else b"")
        + element(0x48, 6, b"UL", struct.pack("<I", width))
        + element(0x48, 7, b"UL", struct.pack("<I", height))
        + element(0x48, 0x302, b"UL", struct.pack("<I", 1))
        + element(0x48, 0x303, b"UL", struct.pack("<I", 1))
        + element(0x5200, 0x9229, b"SQ", item(measures))
        + (extended if table == "extended" else b"")
        + struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OB", 0, 0xFFFFFFFF)
        + item(struct.pack(f"<{len(frames)}I", *offsets) if table == "basic" else b"")
        + b"".join(map(item, frames))
        + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    )
    head = element(2, 0, b"UL", struct.pack("<I", len(meta)))
    path.write_bytes(bytes(128) + b"DICM" + head + meta + body)
    return path


def write_series(folder, pixels, mpp=0.5, series="1.2.3.4", levels=(1, 2, 4), **more):
    """A folder with a series of one file per level; `more` is for `write_instance`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, level in enumerate(levels):
        kind = "RESAMPLED" if level > 1 else "NONE"
        small = np.ascontiguousarray(pixels[::level, ::level])
        write_instance(folder / f"{series}_{number}.dcm", small, mpp * level, series, number, kind, **more)
    return folder
