"""Retrieval at N = 50,000 x 1,024: wall, CPU and peak memory of the group, compared with scikit-learn's brute force.

Embeddings are synthetic: 30 classes, 80 % of the samples the database, 20 % the queries, one fold. The goal is a peak
under 2 GB. Other sizes: MOLPATH_BENCH_SAMPLES (default 10000,50000), MOLPATH_BENCH_WIDTH (1024).
"""

import os
import resource
import subprocess
import sys
import time

import numpy as np

SIZES = [int(n) for n in os.environ.get("MOLPATH_BENCH_SAMPLES", "10000,50000").split(",")]
WIDTH = int(os.environ.get("MOLPATH_BENCH_WIDTH", "1024"))
CLASSES, LIMIT_GB = 30, 2.0


def make(samples: int):
    """A task of one fold and its embeddings (float32 N x D)."""
    from molpath.probe.tasks import Task

    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, samples)
    x = rng.standard_normal((samples, WIDTH), np.float32)
    x += 0.15 * rng.standard_normal((CLASSES, WIDTH), np.float32)[labels]
    sides = np.where(np.arange(samples) % 5 == 0, "test", "train").astype(object)[:, None]
    names = [f"S{i:06d}" for i in range(samples)]
    return Task("synthetic--classes", "slide_id", names, labels, [str(c) for c in range(CLASSES)], sides, ["bacc"]), x


def measure(library: str, samples: int) -> None:
    """One way, in a process of its own: prints wall, CPU, peak memory and mAP@1, @5, @10."""
    task, x = make(samples)
    before = time.perf_counter(), time.process_time()
    if library == "molpath":
        from molpath.probe.retrieval import probe_retrieval

        values = [row["value"] for row in probe_retrieval(task, x, {"permutations": 0, "seed": 0}).metrics]
    else:
        from sklearn.neighbors import NearestNeighbors

        train, test = (np.flatnonzero(task.folds[:, 0] == side) for side in ("train", "test"))
        near = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(x[train]).kneighbors(x[test])[1]
        hits = task.labels[train][near] == task.labels[test, None]
        precision = np.cumsum(hits, 1) / np.arange(1, 11)
        values = [(hits * precision)[:, :k].sum(1).mean() / k for k in (1, 5, 10)]
    wall, cpu = time.perf_counter() - before[0], time.process_time() - before[1]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    shown = "\t".join(f"{value:.4f}" for value in values)
    print(f"{library}\t{samples}\t{WIDTH}\t{wall:.1f}\t{cpu:.1f}\t{peak:.2f}\t{shown}", flush=True)
    if library == "molpath" and peak > LIMIT_GB:
        sys.exit(f"peak memory {peak:.2f} GB is over {LIMIT_GB} GB")


def main() -> None:
    """All rows, each measured in a process of its own."""
    if sys.argv[1:]:
        return measure(sys.argv[1], int(sys.argv[2]))
    print("what\tsamples\twidth\twall_s\tcpu_s\tpeak_GB\tmAP@1\tmAP@5\tmAP@10", flush=True)
    for samples in SIZES:
        for library in ("molpath", "scikit-learn"):
            subprocess.run([sys.executable, __file__, library, str(samples)], check=True)


if __name__ == "__main__":
    main()
