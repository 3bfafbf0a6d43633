"""Small TIFF files of many kinds for the tests of readers."""

import cv2
import numpy as np
import tifffile


def picture(height, width, seed=0):
    """Smooth blobs of violet and pink with grain (uint8 height x width x 3): no two tiles are alike."""
    rng = np.random.default_rng(seed)
    field = cv2.resize(rng.random((height // 16 + 2, width // 16 + 2)), (width, height), interpolation=cv2.INTER_CUBIC)
    colour = np.array([225, 160, 200]) + field.clip(0, 1)[..., None] * np.array([-130, -120, -60])
    return (colour + rng.normal(0, 4, colour.shape)).clip(0, 255).astype(np.uint8)


def write_jpeg_pyramid(path, pixels, tile=256, subsampling=(1, 1), levels=(1, 4), aperio=False, mpp=0.25):
    """JPEG tiles as YCbCr (`subsampling`), or as grey if `pixels` is; lower levels are shrunk by area."""
    options = {"tile": (tile, tile), "compression": "jpeg", "compressionargs": {"level": 70}, "metadata": None}
    if pixels.ndim == 3:
        options |= {"photometric": "ycbcr", "subsampling": subsampling}
    description = f"Aperio Image Library (synthetic)\r\n|MPP = {mpp}" if aperio else "synthetic"
    with tifffile.TiffWriter(path) as writer:
        for level in levels:
            small = cv2.resize(pixels, None, fx=1 / level, fy=1 / level, interpolation=cv2.INTER_AREA)
            if small.ndim == 3:
                small = np.ascontiguousarray(cv2.cvtColor(small, cv2.COLOR_RGB2YCrCb)[..., [0, 2, 1]])
            writer.write(small, description=description, subfiletype=int(level > 1), **options)
    return path


def patch_tag(path, page, name, change):
    """Change the values of a tag in place: `change(list) -> list` of the same length."""
    with tifffile.TiffFile(path, mode="r+") as file:
        tag = file.pages[page].tags[name]
        values = list(tag.value) if isinstance(tag.value, tuple) else [tag.value]
        tag.overwrite(change(values))
