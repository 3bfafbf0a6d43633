"""CPU-seconds per slide for tissue and coordinates, and with all quality control, against LazySlide and the floor.

One generated slide of 40,000 x 30,000 px at 0.25 µm (synthetic), read again and again by each: medians of 3 after a
first run that warms up. The floor is opening the slide and reading its lowest level once. LazySlide runs in an
environment of its own (`make peers`); where that is absent its rows say so.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
from giant_slide import write_giant
from molpath.common.record import Record
from molpath.slides.inspection import inspect_slide
from molpath.slides.readers import open_slide
from molpath.tiles.tiling import tile_slide
from molpath.tissue import assessment, polygons, segmentation
from molpath.tissue.overview import read_overview
from schema_defaults import defaults_of

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS = REPOSITORY / ".venv-peers" / "bin" / "python"
GRID = {"name": "20x_512px_0px_overlap", "magnification": 20, "patch_size": 512, "overlap": 0, "min_tissue": 0.0}
GRID |= {"mpp": None, "scale": "mpp", "drop": ["pen", "out_of_focus"], "max_dropped_fraction": 0.5}
LAZYSLIDE = """
import sys, time
import lazyslide
from wsidata import open_wsi
for _ in range(4):
    began = time.process_time()
    slide = open_wsi(sys.argv[1])
    lazyslide.pp.find_tissues(slide)
    lazyslide.pp.tile_tissues(slide, 512, mpp=0.5)
    print(time.process_time() - began)
"""


def cpu_seconds(work) -> float:
    """Median of three after one that warms up."""
    times = []
    for _ in range(4):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times[1:])


def read_lowest(path: str) -> None:
    """The floor: open and read the lowest level."""
    import openslide

    slide = openslide.OpenSlide(path)
    slide.read_region((0, 0), slide.level_count - 1, slide.level_dimensions[-1])
    slide.close()


def find_tissue(path: str, settings) -> None:
    """Tissue polygons alone, without quality control or pictures."""
    slide = open_slide(path)
    overview = read_overview(slide, 0.25, settings["mpp"])
    mask = segmentation.segment(slide, 0.25, overview, settings)
    polygons.find_polygons(mask, overview.scale, overview.mpp, settings["min_region_mm2"], settings["fill_holes"])
    slide.close()


def lazyslide_seconds(path: str) -> float | None:
    """LazySlide on the same slide: find_tissues and tile_tissues."""
    if not PEERS.exists():
        return None
    shim = REPOSITORY.parent / "shared" / "rigs" / "torchvision"
    environment = os.environ | {"PYTHONPATH": str(shim)}
    done = subprocess.run([PEERS, "-c", LAZYSLIDE, path], capture_output=True, text=True, env=environment)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return statistics.median(sorted(float(line) for line in done.stdout.split()[-3:]))


def measure(folder: Path) -> dict[str, float | None]:
    """CPU-seconds by what was done."""
    path, wsi, settings = str(folder / "giant.svs"), folder / "wsi", defaults_of("tissue")
    write_giant(path, 40000, 30000)
    slide = {"slide_id": "giant", "path": path, "mpp": "", "keep": "auto"}
    inspected = slide | {key: str(value) for key, value in inspect_slide(slide).items()}
    results, record = {}, Record("00000")

    def assess():
        results["row"] = assessment.assess_slide(inspected, wsi, settings, record, "0", False)
        for file in assessment.files_of(wsi, "giant").values():
            kept = file.with_suffix(".kept" + file.suffix)
            file.replace(kept)

    def tile():
        for file in assessment.files_of(wsi, "giant").values():
            kept = file.with_suffix(".kept" + file.suffix)
            if kept.exists():
                kept.replace(file)
        results["tiles"] = tile_slide(inspected, results["row"], wsi, GRID, record, "0", False)
        (wsi / results["tiles"]["file"]).unlink()

    measured = {
        "floor": cpu_seconds(lambda: read_lowest(path)),
        "tissue": cpu_seconds(lambda: find_tissue(path, settings)),
        "tissue_quality_files": cpu_seconds(assess),
        "tiles": cpu_seconds(tile),
        "lazyslide": lazyslide_seconds(path),
    }
    print(f"# {results['tiles']['n_patches']} patches, slide {results['row']['status']}", flush=True)
    return measured


def main() -> None:
    """Print a row for each way with its ratio to LazySlide."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        measured = measure(Path(folder))
    peer = measured["lazyslide"]
    rows = {
        "floor: open and read the lowest level": measured["floor"],
        "tissue and coordinates": measured["tissue"] + measured["tiles"],
        "the same with all quality control and pictures": measured["tissue_quality_files"] + measured["tiles"],
        "LazySlide find_tissues and tile_tissues": peer,
    }
    print("what\tCPU-s a slide\tof LazySlide")
    for name, seconds in rows.items():
        shown = "absent (make peers)" if seconds is None else f"{seconds:.3f}"
        print(f"{name}\t{shown}\t{'' if peer is None or seconds is None else f'{seconds / peer:.2f}'}")


if __name__ == "__main__":
    main()
