"""Patches per CPU-second (512 px at 20x) at the resolutions and in the formats that slides have.

Each row is one slide: OpenSlide with area resize, the fast path, their ratio and how far their pixels differ; beside
them fastslide and cuCIM with the same resize, where `make peers` installed them. Slides are synthetic (giant_slide,
dicom_files): JPEG at quality 70 to 75, JPEG 2000 at about the same size. Medians of REPEATS, interleaved. The decoder
of each format alone bounds what any reader can do.
"""

import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import imagecodecs
import numpy as np
import tifffile
from dicom_files import write_series
from giant_slide import tissue_picture, write_giant
from molpath.common.allocation import keep_freed_memory
from molpath.features.patches import Geometry, read_patches
from molpath.features.stream import reading_order
from molpath.slides.readers import OpenSlideReader, open_slide

PEERS = Path(__file__).resolve().parents[2] / ".venv-peers" / "bin" / "python"
RESOLUTIONS = (0.2325, 0.25, 0.2505, 0.2527, 0.5035)
SIZE, MPP, TILE = 512, 0.5, 256
WIDTH, PATCHES, REPEATS, GOAL = 6144, 25, 3, 3.5
JPEG_2000_RATIO = 28  # of compression


def write_jpeg2000(path: Path, mpp: float) -> Path:
    """An SVS of RGB tiles of JPEG 2000, two levels."""
    pixels = np.tile(tissue_picture(1024), (WIDTH // 1024, WIDTH // 1024, 1))
    encode = cache(lambda tile: imagecodecs.jpeg2k_encode(as_tile(tile), level=JPEG_2000_RATIO, codecformat="j2k"))
    with tifffile.TiffWriter(path, bigtiff=True) as file:
        for level in (1, 4):
            small = np.ascontiguousarray(pixels[::level, ::level])
            size = f"{WIDTH}x{WIDTH} [0,0 {WIDTH}x{WIDTH}] ({TILE}x{TILE}) -> {WIDTH // level}x{WIDTH // level}"
            file.write(
                (
                    encode(small[y : y + TILE, x : x + TILE].tobytes())
                    for y in range(0, len(small), TILE)
                    for x in range(0, len(small), TILE)
                ),
                shape=small.shape,
                dtype=small.dtype,
                tile=(TILE, TILE),
                compression=33005,
                photometric="rgb",
                subfiletype=int(level > 1),
                description=f"Aperio Image Library v12.0.15 (synthetic)\r\n{size} J2K|AppMag = 40|MPP = {mpp}",
                metadata=None,
            )
    return path


def as_tile(pixels: bytes) -> np.ndarray:
    """RGB uint8 of a tile."""
    return np.frombuffer(pixels, np.uint8).reshape(TILE, TILE, 3)


def write_dicom(folder: Path, mpp: float) -> Path:
    """A series of two levels of JPEG frames; its largest file is the slide."""
    pixels = np.tile(tissue_picture(1024), (WIDTH // 1024, WIDTH // 1024, 1))
    write_series(folder, pixels, mpp, levels=(1, 4), tile=TILE, quality=75)
    return folder / "1.2.3.4_0.dcm"


def slides(folder: Path) -> dict[str, tuple[Path, float]]:
    """Path and micrometres per pixel of every slide, by name."""
    slide_files = {}
    for mpp in RESOLUTIONS:
        slide_files[f"SVS, JPEG, {mpp}"] = write_giant(folder / f"{mpp}.svs", 12_000, 12_000, mpp, tissue=4.0), mpp
    for mpp in (0.25, 0.2527):
        slide_files[f"DICOM, JPEG, {mpp}"] = write_dicom(folder / f"dicom-{mpp}", mpp), mpp
        slide_files[f"SVS, JPEG 2000, {mpp}"] = write_jpeg2000(folder / f"j2k-{mpp}.svs", mpp), mpp
    return slide_files


def coords_of(mpp: float) -> tuple[np.ndarray, Geometry]:
    """A square of patches side by side in the order of reading, and their geometry."""
    edge, columns = round(SIZE * MPP / mpp), int(PATCHES**0.5)
    coords = np.array([(x * edge, y * edge) for y in range(columns) for x in range(columns)])
    return coords[reading_order(coords, edge, 1)], Geometry(SIZE, edge, MPP)


def read(path: Path, coords: np.ndarray, geometry: Geometry, opener: Callable) -> tuple[float, np.ndarray]:
    """CPU-seconds of opening the slide and reading all patches, and their pixels."""
    out = np.empty((len(coords), SIZE, SIZE, 3), np.uint8)
    began = time.process_time()
    slide = opener(str(path))
    read_patches(slide, coords, geometry, out)
    seconds = time.process_time() - began
    slide.close()
    return seconds, out


def read_by_peer(path: Path, coords: np.ndarray, geometry: Geometry, peer: str) -> float | str:
    """CPU-seconds that another library takes for the same, in an environment of its own; or why not."""
    if not PEERS.exists():
        return "absent (make peers)"
    task = {"peer": peer, "path": str(path), "coords": coords.tolist(), "edge": geometry.size_level0, "size": SIZE}
    command = [PEERS, Path(__file__).with_name("peer_reading.py"), json.dumps(task)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"ended with {done.returncode}"]
        return lines[-1][:60]
    return float(done.stdout.splitlines()[-1])


def bare(path: Path, mpp: float) -> float:
    """CPU-seconds per patch for decoding as many pixels as it has, and nothing else."""
    slide = open_slide(path)
    tiles = slide._tiles[0]  # the bytes as they are in the file
    area = tiles.tile_width * tiles.tile_height
    parts = [{index: tiles._read(index)} for index in range(100, 164)]
    began = time.process_time()
    for part in parts:
        tiles.decode(part)
    seconds = (time.process_time() - began) / len(parts)
    slide.close()
    return seconds * round(SIZE * MPP / mpp) ** 2 / area


def measure(name: str, path: Path, mpp: float) -> bool:
    """Print the row of a slide; False if it misses the goal."""
    coords, geometry = coords_of(mpp)
    ways = {"OpenSlide": OpenSlideReader, "fast path": open_slide}
    times: dict[str, list[float]] = {way: [] for way in ways}
    pixels, floors = {}, []
    for _ in range(REPEATS):  # interleaved, so that a slow minute of the machine hits all of them
        for way, opener in ways.items():
            seconds, pixels[way] = read(path, coords, geometry, opener)
            times[way].append(seconds)
        floors.append(bare(path, mpp))
    slow, fast = (len(coords) / statistics.median(times[way]) for way in ways)
    difference = int(np.abs(pixels["OpenSlide"].astype(np.int16) - pixels["fast path"]).max())
    peers = []
    for peer in ("fastslide", "cucim"):
        readings = [read_by_peer(path, coords, geometry, peer) for _ in range(REPEATS)]
        numbers = [seconds for seconds in readings if isinstance(seconds, float)]
        peers.append(f"{len(coords) / statistics.median(numbers) / slow:.2f}" if numbers else str(readings[0]))
    floor = 1 / statistics.median(floors)
    numbers = f"{slow:.1f}", f"{fast:.1f}", f"{fast / slow:.2f}", *peers, f"{floor / slow:.2f}", str(difference)
    print(name, *numbers, sep="\t", flush=True)
    return fast / slow >= GOAL


def main() -> None:
    """Print one row per slide."""
    keep_freed_memory()  # as readers do
    head = "slide\tOpenSlide per CPU-s\tfast path per CPU-s\tratio to OpenSlide\tfastslide to OpenSlide"
    print(f"{head}\tcuCIM to OpenSlide\tbare decoder to OpenSlide\tgrey levels of difference at most")
    with tempfile.TemporaryDirectory() as folder:
        slide_files = slides(Path(folder))
        path, mpp = slide_files["SVS, JPEG, 0.2505"]
        read(path, *coords_of(mpp), open_slide)  # compiles
        met = sum(measure(name, path, mpp) for name, (path, mpp) in slide_files.items())
    print(f"{met} of {len(slide_files)} rows reach {GOAL} x OpenSlide")


if __name__ == "__main__":
    main()
