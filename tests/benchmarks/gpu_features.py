"""Share of a GPU's own speed that the extraction of features reaches end to end: ViT-L/16 at 448 px, bf16.

Runs unattended: `make env`, then `python tests/benchmarks/run_benchmarks.py gpu`, or this script with a path for the
JSON it writes (default gpu_features.json). Slides are synthetic (giant_slide), weights random: neither changes the
speed. Needs timm. Without a CUDA device it says so and ends well.

Compute-bound: the encoder alone, batch after batch, on pixels that are on the device already. End to end: from slides
to written files, less what starting costs once a shard (a run on one slide).
"""

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import bench_encoders
import torch
from extract_features import Shard
from giant_slide import write_giant
from molpath.common.devices import take_device
from molpath.features.devices import batch_rows
from read_patches import HEIGHT, WIDTH, tissue_coords

ENCODER = "bench_encoders:vit_large_448"
SLIDES, REPEATS, BATCHES = 16, 3, 40


def compute_bound() -> dict[str, object]:
    """Patches per second of the encoder alone, in batches as large as the extraction's, and on which device."""
    with take_device() as device:
        rows = batch_rows(device, 0, 1)
        encoder = bench_encoders.vit_large_448([], {}).to(device)
        batch = torch.randint(0, 256, (rows, 512, 512, 3), dtype=torch.uint8, device=device)
        seconds_of(encoder, batch, 5)  # warms up
        rates = [rows * BATCHES / seconds_of(encoder, batch, BATCHES) for _ in range(REPEATS)]
        name = torch.cuda.get_device_name(device)
    del encoder, batch
    torch.cuda.empty_cache()
    return {"device": name, "batch_rows": rows, "compute_bound_patches_per_s": statistics.median(rates)}


def seconds_of(encoder, batch: torch.Tensor, count: int) -> float:
    """Seconds that `count` batches take."""
    torch.cuda.synchronize()
    began = time.perf_counter()
    for _ in range(count):
        encoder(batch)
    torch.cuda.synchronize()
    return time.perf_counter() - began


def end_to_end(threads: int) -> dict[str, float]:
    """Patches per second from slides to files; `threads` for the job, all but one of them readers."""
    with tempfile.TemporaryDirectory() as name:
        folder, coords = Path(name), tissue_coords()
        path = str(write_giant(folder / "slide.svs", WIDTH, HEIGHT))
        few, more = (
            Shard(folder / str(count), dict.fromkeys(ids, path), dict.fromkeys(ids, coords))
            for count in (1, SLIDES)
            for ids in [[f"s{index}" for index in range(count)]]
        )
        few.extract(ENCODER, threads=threads)  # warms up
        seconds = [
            more.extract(ENCODER, threads=threads)[0] - few.extract(ENCODER, threads=threads)[0] for _ in range(REPEATS)
        ]
    count = (SLIDES - 1) * len(coords)
    return {"patches": count, "end_to_end_patches_per_s": count / statistics.median(seconds)}


def main() -> None:
    """Measure, print and write the JSON."""
    if not torch.cuda.is_available():
        print("no CUDA device here: nothing was measured")
        return
    threads = len(os.sched_getaffinity(0))
    results = {"encoder": "ViT-L/16, 448 px, bf16, random weights", "threads": threads, "torch": torch.__version__}
    results |= compute_bound() | end_to_end(threads)
    results["share"] = results["end_to_end_patches_per_s"] / results["compute_bound_patches_per_s"]
    results["goal"] = ">= 0.9"
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "gpu_features.json")
    path.write_text(json.dumps(results, indent=2) + "\n")
    for key, value in results.items():
        print(key, value, sep="\t")


if __name__ == "__main__":
    main()
