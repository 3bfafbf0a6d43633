"""Patches per CPU-second of one slide (512 px at 20x from 40x): OpenSlide, the fast path, and the bare JPEG decoder.

The slide is synthetic (giant_slide): 40,000 x 30,000 px, 240 px JPEG tiles stored as RGB at quality 70.
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import simplejpeg
import tifffile
from giant_slide import ellipse, write_giant
from molpath.features.focus import focus_of
from molpath.features.geometry import Geometry
from molpath.features.patches import read_patches
from molpath.features.stream import plan, reading_order
from molpath.slides.readers import OpenSlideReader, open_slide
from molpath.slides.tile_decoders import adobe_marker

WIDTH, HEIGHT, TILE, BLOCK = 40_000, 30_000, 240, 240 * 16
GEOMETRY = Geometry(512, 1024, 0.5)
READERS, BATCH, PIECE = 2, 64, 32
REPEATS = 3
OPENSLIDE, EXACT, BARE = "OpenSlide read_region, area resize", "JPEG tiles, exact", "bare decoder, full scale"


def tissue_coords() -> np.ndarray:
    """Patches (int N x 2) whose centre is tissue, row by row."""
    edge = GEOMETRY.size_level0
    xs, ys = np.meshgrid(np.arange(0, WIDTH, edge), np.arange(0, HEIGHT, edge))
    centres = np.stack([xs.ravel(), ys.ravel()], 1) + edge // 2
    inside = ellipse(WIDTH, HEIGHT, BLOCK, 0.25)[
        np.minimum(centres[:, 1], HEIGHT - 1) // BLOCK, np.minimum(centres[:, 0], WIDTH - 1) // BLOCK
    ]
    return centres[inside] - edge // 2


def pieces_by_reader(coords: np.ndarray) -> list[list[np.ndarray]]:
    """Coordinates of the pieces that each of READERS processes gets, as the stream deals them."""
    order = reading_order(coords, GEOMETRY.size_level0, READERS)
    dealt = [piece for batch in plan([len(coords)], BATCH, PIECE, READERS) for piece in batch]
    return [
        [coords[order[piece.first : piece.first + piece.count]] for piece in dealt if piece.lane == lane]
        for lane in range(READERS)
    ]


def read_all(path: Path, lanes: list[list[np.ndarray]], opener) -> None:
    """Read every patch, one reader after the other in this process, which adds up their CPU time."""
    out = np.empty((PIECE, GEOMETRY.size, GEOMETRY.size, 3), np.uint8)
    for pieces in lanes:
        slide = opener(str(path))
        for coords in pieces:
            read_patches(slide, coords, GEOMETRY, out[: len(coords)])
        slide.close()


class Counted:
    """Opens slides and counts the tiles their levels decode."""

    def __init__(self):
        self.decoded = 0

    def __call__(self, path: str):
        slide = open_slide(path)
        for tiles in slide._tiles:  # what is shrunk from them is made of them later
            tiles.decode = partial(self._decode, tiles.decode)
        return slide

    def _decode(self, decode, parts):
        self.decoded += 1
        return decode(parts)


def focus_all(path: Path, coords: np.ndarray) -> float:
    """CPU-seconds that the focus of all patches takes, on one patch of tissue over and over."""
    patch = np.empty((1, GEOMETRY.size, GEOMETRY.size, 3), np.uint8)
    read_patches(open_slide(str(path)), coords[len(coords) // 2 :][:1], GEOMETRY, patch)
    return cpu_seconds(lambda: [focus_of(patch[0], GEOMETRY.mpp) for _ in coords])


def needed_streams(path: Path, coords: np.ndarray) -> list[bytes]:
    """The JPEG streams of all level-0 tiles that the patches touch, complete with tables."""
    last = (coords + GEOMETRY.size_level0 - 1).clip(max=(WIDTH - 1, HEIGHT - 1)) // TILE
    columns = -(-WIDTH // TILE)
    needed = {
        row * columns + column
        for (x0, y0), (x1, y1) in zip(coords // TILE, last, strict=True)
        for row in range(y0, y1 + 1)
        for column in range(x0, x1 + 1)
    }
    with tifffile.TiffFile(path) as file, open(path, "rb") as raw:
        page = file.pages[0]
        header = b"\xff\xd8" + adobe_marker(ycbcr=False) + page.jpegtables[2:-2]
        streams = []
        for index in sorted(needed):
            raw.seek(page.dataoffsets[index])
            streams.append(header + raw.read(page.databytecounts[index])[2:])
    return streams


def decode_all(streams: list[bytes], **scaled) -> None:
    """Decode every stream and drop the pixels."""
    for stream in streams:
        simplejpeg.decode_jpeg(stream, **scaled)


def cpu_seconds(work) -> float:
    """CPU time of this process that `work()` takes."""
    started = time.process_time()
    work()
    return time.process_time() - started


def ways_of_reading(path: Path, lanes: list[list[np.ndarray]], streams: list[bytes]) -> dict[str, Callable[[], None]]:
    """What is compared, by name; OPENSLIDE and BARE are what the others are set against."""
    return {
        OPENSLIDE: partial(read_all, path, lanes, OpenSlideReader),
        EXACT: partial(read_all, path, lanes, open_slide),
        "JPEG tiles, half scale": partial(read_all, path, lanes, partial(open_slide, half_scale=True)),
        BARE: partial(decode_all, streams),
        "bare decoder, half scale": partial(decode_all, streams, min_height=120, min_width=120, min_factor=2),
    }


def main() -> None:
    """Print one row per way of reading: patches per CPU-second, the median and range of REPEATS, and ratios."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_giant(Path(folder) / "slide.svs", WIDTH, HEIGHT, tile=TILE)
        coords = tissue_coords()
        lanes, streams = pieces_by_reader(coords), needed_streams(path, coords)
        ways = ways_of_reading(path, lanes, streams)
        times = {name: [] for name in ways}
        for _ in range(REPEATS):  # interleaved, so that a slow minute of the machine hits all of them
            for name, way in ways.items():
                times[name].append(cpu_seconds(way))
        counted = Counted()
        read_all(path, lanes, counted)
        focus = focus_all(path, coords) / statistics.median(times[EXACT])
    print("what\tpatches\tper CPU-s\tfrom\tto\tto OpenSlide\tto the bare decoder at full scale")
    for name, seconds in times.items():
        rates = [len(coords) / value for value in (statistics.median(seconds), max(seconds), min(seconds))]
        ratios = [statistics.median(times[other]) / statistics.median(seconds) for other in (OPENSLIDE, BARE)]
        print(name, len(coords), *(f"{rate:.0f}" for rate in rates), *(f"{ratio:.2f}" for ratio in ratios), sep="\t")
    print(f"share of focus in reading exactly\t{focus:.1%}")
    print(f"tiles needed\t{len(streams)}")
    print(f"tiles decoded by {READERS} readers\t{counted.decoded}\t{counted.decoded / len(streams) - 1:+.1%}")
    print(f"largest memory of the process, MB\t{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10}")


if __name__ == "__main__":
    main()
