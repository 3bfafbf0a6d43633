"""From the bytes of a TIFF's tile to RGB: JPEG by libjpeg-turbo, everything else that tifffile reads by imagecodecs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from .damage import DamagedTile
from .tile_signs import JPEG2000, fault_of_jpeg2000

#: Bytes of a tile by index in the TIFF's list, one for each plane -> RGB uint8 height x width x 3.
Decoder = Callable[[Mapping[int, bytes]], np.ndarray]

OLD_JPEG, JPEG, APERIO_JPEG2000_YCBCR, APERIO_JPEG2000_RGB = 6, 7, 33003, 33005
MIN_IS_WHITE, MIN_IS_BLACK, RGB, YCBCR = 0, 1, 2, 6
SHOWN = {MIN_IS_WHITE: (1, 2), MIN_IS_BLACK: (1, 2), RGB: (3, 4), YCBCR: (3,)}
ALPHA = (1, 2)  # extra samples that are alpha, associated or not
START, END = b"\xff\xd8", b"\xff\xd9"
JFIF_MARKER = b"\xff\xe0"


def tile_decoder(page, half: bool = False) -> Decoder:
    """The decoder of a tifffile page. Raises ValueError where the page is no 8-bit RGB or grey image.

    half: to half the size; raises ValueError where that can't be done.
    """
    photometric, samples = int(page.photometric), page.samplesperpixel
    if page.dtype != np.uint8 or samples not in SHOWN.get(photometric, ()):
        raise ValueError(
            f"{samples} samples of {page.dtype} per pixel with photometric interpretation {photometric}, "
            "not 8-bit RGB or grey"
        )
    if is_jpeg_tiled(page):
        return jpeg_decoder(page, half)
    if half:
        raise ValueError("only JPEG tiles can be decoded to half the size")
    compression = int(page.compression)
    if compression == APERIO_JPEG2000_YCBCR or (photometric == YCBCR and compression not in (OLD_JPEG, JPEG)):
        raise ValueError(f"YCbCr stored with compression {compression}, which no decoder here turns into RGB")
    return page_decoder(page)


def is_jpeg_tiled(page) -> bool:
    """True for 8-bit tiles that are JPEG streams of RGB, YCbCr or grey, all samples together."""
    return (
        page.is_tiled
        and int(page.compression) == JPEG
        and page.dtype == np.uint8
        and page.planarconfig == 1
        and (int(page.photometric), page.samplesperpixel) in ((RGB, 3), (YCBCR, 3), (MIN_IS_BLACK, 1))
    )


def is_jpeg2000_rgb(page) -> bool:
    """True for Aperio's tiles of JPEG 2000 that are stored as red, green and blue."""
    kind = int(page.compression), int(page.photometric), page.samplesperpixel
    return page.is_tiled and page.dtype == np.uint8 and kind == (APERIO_JPEG2000_RGB, RGB, 3)


def jpeg_decoder(page, half: bool = False) -> Decoder:
    """Decoder of JPEG tiles, complete streams or abbreviated ones with the page's tables.

    Colours are as the TIFF says, not as a decoder would guess: an Adobe marker in front of the tables distinguishes RGB
    from YCbCr, and a JFIF marker of the tile, which would win over it, is left out. With `half` each pixel is the mean
    of 2 x 2, taken inside the inverse transform. Damage that libjpeg only warns of raises ValueError, as does a tile of
    another size.
    """
    import simplejpeg

    shrink = 2 if half else 1
    if page.tilelength % shrink or page.tilewidth % shrink:
        raise ValueError(f"tiles of {page.tilewidth} x {page.tilelength} can't be halved")
    shape = page.tilelength // shrink, page.tilewidth // shrink, 3
    tables = (page.jpegtables or START + END).removesuffix(END)
    header = START + adobe_marker(ycbcr=int(page.photometric) == YCBCR) + tables[2:]
    scaled = {"min_height": shape[0], "min_width": shape[1], "min_factor": 2} if half else {}

    def decode(parts: Mapping[int, bytes]) -> np.ndarray:
        ((index, stream),) = parts.items()
        skip = 2
        if stream[2:4] == JFIF_MARKER:
            skip += 2 + int.from_bytes(stream[4:6], "big")
        out = np.empty(shape, np.uint8)
        try:
            # A stream without an end marker is complete too; an extra one is not read.
            decoded = simplejpeg.decode_jpeg(b"".join((header, stream[skip:], END)), buffer=out, **scaled)
        except ValueError as error:
            raise ValueError(f"JPEG tile {index}: {error}") from error
        if decoded.shape != shape:
            raise ValueError(
                f"JPEG tile {index} is {decoded.shape[1]} x {decoded.shape[0]}, not {shape[1]} x {shape[0]}"
            )
        return out

    return decode


def adobe_marker(ycbcr: bool) -> bytes:
    """The APP14 segment that tells a decoder of three components what they are."""
    return b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([ycbcr])


def page_decoder(page) -> Decoder:
    """Decoder of tiles or strips in any compression tifffile knows. Transparent pixels are white, grey is RGB."""
    decode_segment, tables, header = page.decode, page.jpegtables, page.jpegheader
    negative = int(page.photometric) == MIN_IS_WHITE
    has_alpha = any(int(sample) in ALPHA for sample in page.extrasamples)
    is_jpeg2000 = int(page.compression) in JPEG2000

    def decode(parts: Mapping[int, bytes]) -> np.ndarray:
        for index, data in parts.items():
            if is_jpeg2000 and (fault := fault_of_jpeg2000(data)):
                raise DamagedTile(f"tile {index}: {fault}")
        try:
            planes = [
                decode_segment(data, index, jpegtables=tables, jpegheader=header)[0][0] for index, data in parts.items()
            ]
        except (MemoryError, OSError):
            raise
        except Exception as error:  # each codec has its own
            raise DamagedTile(f"tile {min(parts)}: {type(error).__name__}: {error}") from error
        pixels = np.concatenate(planes, axis=-1)
        if negative:
            pixels[..., 0] = 255 - pixels[..., 0]
        return to_rgb(pixels, has_alpha)

    return decode


def to_rgb(pixels: np.ndarray, has_alpha: bool) -> np.ndarray:
    """uint8 height x width x 1 to 4 samples as RGB; fully transparent pixels are white."""
    colour = pixels[..., :3] if pixels.shape[-1] >= 3 else np.repeat(pixels[..., :1], 3, axis=-1)
    if has_alpha:
        colour = np.where(pixels[..., -1:] == 0, 255, colour)
    return np.ascontiguousarray(colour, np.uint8)
