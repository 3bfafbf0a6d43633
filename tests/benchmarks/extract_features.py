"""Features end to end compared with their floor, and with LazySlide on the same networks.

Slides are generated (giant_slide, synthetic): 40x, JPEG tiles of 240 px stored as RGB at quality 70; patches are 512 px
at 20x. Networks have random weights and compute in fp32, two threads. Medians of 3, interleaved. CPU-seconds are of
the process and its readers. LazySlide runs in an environment of its own (`make peers`), with 0 and 2 loader workers,
and isn't asked to write files; where it is absent its rows say so. A ViT needs timm and torchvision.
"""

# ruff: noqa: E402
import json
import logging
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from molpath.common.allocation import keep_freed_memory

keep_freed_memory()  # as a job does, before anything makes a thread

import bench_encoders
import cv2
import numpy as np
from feature_shard import GEOMETRY, lay_out
from giant_slide import write_giant
from molpath.features.encoders import build
from molpath.features.extraction import extract_shard
from molpath.features.patches import read_patches
from molpath.slides.readers import open_slide
from read_patches import HEIGHT, WIDTH, decode_all, needed_streams, tissue_coords

REPOSITORY = Path(__file__).resolve().parents[2]
PEERS = REPOSITORY / ".venv-peers" / "bin" / "python"
SHIM = REPOSITORY.parent / "shared" / "rigs" / "torchvision"
REPEATS, THREADS = 3, 2
NULL, LITE0, VIT = "bench_encoders:null", "efficientnet_lite0", "bench_encoders:vit_small"
#: Patches of one slide; a run on three such slides less a run on one is what a patch costs.
PATCHES = {LITE0: 256, VIT: 64}
GOALS = {LITE0: 0.92, VIT: 0.95}
SMALL_SLIDES, SMALL = 200, (4096, 1024)


def cpu_seconds() -> float:
    """CPU time of this process and of its children that ended."""
    used = [resource.getrusage(process) for process in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def timed(work: Callable[[], object]) -> np.ndarray:
    """Wall and CPU seconds."""
    began, used = time.perf_counter(), cpu_seconds()
    work()
    return np.array([time.perf_counter() - began, cpu_seconds() - used])


def in_turn(ways: dict[str, Callable[[], np.ndarray]]) -> dict[str, np.ndarray]:
    """Medians of REPEATS of what each way returns, interleaved: so a slow minute of the machine hits all of them."""
    times = {name: [] for name in ways}
    for _ in range(REPEATS):
        for name, way in ways.items():
            times[name].append(way())
    return {name: np.median(values, axis=0) for name, values in times.items()}


class Shard:
    """Slides with their coordinates, extracted as often as one likes."""

    def __init__(self, folder: Path, slides: dict[str, str], coords: dict[str, np.ndarray]):
        self.slides, self.coords, self.folder = slides, coords, folder
        self.arguments = lay_out(folder, slides, coords)

    def extract(self, adapter: str, weights=(), **more) -> np.ndarray:
        """Wall and CPU seconds of one run from the beginning."""
        shutil.rmtree(self.folder / "wsi" / self.arguments["grid"]["name"] / "features_bench", ignore_errors=True)
        settings = {key: more.pop(key) for key in ("workers",) if key in more}
        encoder = {"name": "bench", "adapter": adapter} | settings
        arguments = self.arguments | {"encoder": encoder, "weights": list(weights), "threads": THREADS} | more
        return timed(partial(extract_shard, **arguments))

    def by_lazyslide(self, encoder: str, workers: int, threads: int) -> np.ndarray:
        """The same by LazySlide, without writing."""
        task = {"slides": list(self.slides.values()), "coords": [self.coords[name].tolist() for name in self.slides]}
        paths = [str(SHIM), str(REPOSITORY / "workflow" / "scripts")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(threads)}
        command = [PEERS, Path(__file__).with_name("lazyslide_features.py")]
        done = subprocess.run(
            [*command, json.dumps(task | {"encoder": encoder, "workers": workers})],
            env=environment,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"LazySlide failed:\n{done.stderr[-3000:]}")
        seconds = json.loads(done.stdout.splitlines()[-1])
        return np.array([seconds["wall"], seconds["cpu"]])


def random_lite0(folder: Path) -> list[str]:
    """A file of random weights."""
    from molpath.features.efficientnet_lite import EfficientNetLite0
    from safetensors.torch import save_file

    save_file(EfficientNetLite0().state_dict(), folder / "random.safetensors")
    return [str(folder / "random.safetensors")]


def floor_of(path: str, coords: np.ndarray, encode: Callable) -> dict[str, Callable[[], np.ndarray]]:
    """What must be done for these patches and nothing else, each alone: seconds per patch."""
    from molpath.features.devices import CPU_ROWS

    streams = needed_streams(Path(path), coords)
    pixels = np.empty((CPU_ROWS, GEOMETRY.size, GEOMETRY.size, 3), np.uint8)
    slide = open_slide(path)
    read_patches(slide, coords[len(coords) // 2 :][:CPU_ROWS], GEOMETRY, pixels)
    large = cv2.resize(pixels[0], (GEOMETRY.size_level0,) * 2)
    shrink = partial(cv2.resize, large, pixels.shape[1:3], interpolation=cv2.INTER_AREA)
    return {
        "bare decoding": lambda: timed(lambda: decode_all(streams)) / len(coords),
        "shrinking by area": lambda: timed(lambda: [shrink() for _ in range(64)]) / 64,
        "encoding": lambda: timed(lambda: [encode(pixels) for _ in range(4)]) / (4 * CPU_ROWS),
    }


def beside_floor(path: str, folder: Path, adapter: str, weights: list[str]) -> None:
    """End-to-end CPU-seconds per patch, without what a shard costs once, compared with the floor."""
    import torch

    coords = tissue_coords()[: PATCHES[adapter]]
    short, long = (
        Shard(folder / f"{adapter}-{len(names)}", dict.fromkeys(names, path), dict.fromkeys(names, coords))
        for names in ("a", "abc")
    )
    encoder = build(weights, {"adapter": adapter})
    ways = floor_of(path, coords, lambda pixels: encoder(torch.from_numpy(pixels)))
    ways |= {name: partial(shard.extract, adapter, weights) for name, shard in (("short", short), ("long", long))}
    short.extract(adapter, weights)  # warms up
    seconds_of = {name: seconds[1] for name, seconds in in_turn(ways).items()}
    patch = (seconds_of["long"] - seconds_of["short"]) / (2 * len(coords))
    floor = sum(seconds_of[name] for name in ("bare decoding", "shrinking by area", "encoding"))
    for name in ("bare decoding", "shrinking by area", "encoding"):
        row(f"{adapter}: {name}, alone", f"{1000 * seconds_of[name]:.2f} ms CPU a patch")
    row(
        f"{adapter}: end to end",
        f"{1000 * patch:.2f} ms CPU a patch, {seconds_of['short'] - len(coords) * patch:.2f} s a shard",
    )
    row(f"{adapter}: floor / end to end", f"{floor / patch:.3f}", f">= {GOALS[adapter]}")


def idle_from_memory(folder: Path, weights: list[str]) -> None:
    """Share of the time that the encoder waits when pixels come from memory."""
    coords = np.stack([np.arange(1024) % 100, np.arange(1024) // 100], 1) * 1024
    shard, log, shares = Shard(folder / "memory", {"a": "memory"}, {"a": coords}), LastMessage(), []
    logging.getLogger("molpath").addHandler(log)
    logging.getLogger("molpath").setLevel(logging.INFO)
    for _ in range(REPEATS):
        shard.extract(LITE0, weights, opener=bench_encoders.open_memory)
        shares.append(float(re.search(r"from then on\s+[\d.]+ s\s+([\d.]+)%", log.text)[1]))
    logging.getLogger("molpath").removeHandler(log)
    row("encoder idle, pixels from memory", f"{statistics.median(shares):.1f} %", "<= 3 %")


class LastMessage(logging.Handler):
    """Keeps the last message."""

    text = ""

    def emit(self, record):
        """Take it."""
        self.text = record.getMessage()


def slides_cost(small: Shard, folder: Path) -> None:
    """What a slide costs apart from its patches: SMALL_SLIDES of them, and as many patches of one slide."""
    edge = SMALL[0] * 10
    path = str(write_giant(folder / "one.svs", edge, SMALL[1] * SMALL_SLIDES // 10, levels=(1, 4), tissue=4.0))
    count = sum(len(coords) for coords in small.coords.values())
    columns = edge // GEOMETRY.size_level0
    coords = np.stack([np.arange(count) % columns, np.arange(count) // columns], 1) * GEOMETRY.size_level0
    single = Shard(folder / "one", {"a": path}, {"a": coords})
    times = in_turn({"small": partial(small.extract, NULL), "one": partial(single.extract, NULL)})
    wall, cpu = 1000 * (times["small"] - times["one"]) / SMALL_SLIDES
    row(f"cost of a slide beside its patches, {SMALL_SLIDES} slides", f"{wall:.1f} ms, {cpu:.1f} ms CPU", "<= 50 ms")


def beside_lazyslide(name: str, shard: Shard, adapter: str, weights, workers: tuple[int, ...], goal: str) -> None:
    """Patches per second and per CPU-second by both; LazySlide's best of its settings for each."""
    if not PEERS.exists():
        row(f"{name}: LazySlide", "absent (make peers)")
        return
    count = sum(len(coords) for coords in shard.coords.values())
    ways = {"ours": partial(shard.extract, adapter, weights, workers=1 if weights else THREADS)}
    for number in workers:
        threads = 1 if number else THREADS
        ways[f"LazySlide, {number} workers"] = partial(shard.by_lazyslide, adapter, number, threads)
    times = in_turn(ways)
    for way, (wall, cpu) in times.items():
        row(f"{name}: {way}", f"{count / wall:.1f} patches/s, {count / cpu:.1f} a CPU-second")
    best = np.min([seconds for way, seconds in times.items() if way != "ours"], axis=0) / times["ours"]
    row(f"{name}: ours to LazySlide's best", f"{best[0]:.2f} in time, {best[1]:.2f} in CPU time", goal)


def row(measure: str, value: str, goal: str = "") -> None:
    """One line of the result."""
    print(measure, value, goal, sep="\t", flush=True)


def small_slides(folder: Path) -> Shard:
    """SMALL_SLIDES slides of four patches each, one file under as many names."""
    first = write_giant(folder / "s000.svs", *SMALL, levels=(1, 4), tissue=4.0)
    slides = {"s000": str(first)}
    for index in range(1, SMALL_SLIDES):
        slides[f"s{index:03d}"] = str(folder / f"s{index:03d}.svs")
        os.link(first, slides[f"s{index:03d}"])
    corners = np.stack([np.arange(4), np.zeros(4, int)], 1) * GEOMETRY.size_level0
    return Shard(folder / "small", slides, dict.fromkeys(slides, corners))


def main() -> None:
    """Print a row for each figure; ratios are printed with their goals."""
    sections = sys.argv[1:] or ["floor", "idle", "slides", "peers"]
    print("what\tvalue\tgoal")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights, path = random_lite0(folder), str(write_giant(folder / "slide.svs", WIDTH, HEIGHT))
        small = small_slides(folder)
        if "floor" in sections:
            beside_floor(path, folder, LITE0, weights)
            try:
                beside_floor(path, folder, VIT, [])
            except (ImportError, RuntimeError) as error:
                row("ViT-S/16", f"skipped: timm and torchvision don't load here ({error})")
        if "idle" in sections:
            idle_from_memory(folder, weights)
        if "slides" in sections:
            slides_cost(small, folder)
        if "peers" in sections:
            giant = Shard(folder / "giant", {"a": path}, {"a": tissue_coords()})
            three = Shard(folder / "three", dict.fromkeys("abc", path), dict.fromkeys("abc", tissue_coords()))
            beside_lazyslide("null encoder, three slides", three, NULL, (), (0, 2), ">= 4")
            beside_lazyslide("null encoder, one slide", giant, NULL, (), (0, 2), "")
            beside_lazyslide("null encoder, 200 slides of 4 patches", small, NULL, (), (0,), ">= 3")
            beside_lazyslide("EfficientNet-Lite0, one slide", giant, LITE0, weights, (0, 2), ">= 1")


if __name__ == "__main__":
    main()
