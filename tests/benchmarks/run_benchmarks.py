"""`make bench`: every benchmark in turn, or those whose names are given. Each prints its rows as they are measured.

Figures are meant to be read as ratios within one run: machines are noisy.
"""

import os
import platform
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
LIBRARY, HELPERS = FOLDER.parents[1] / "workflow" / "scripts", FOLDER.parent / "helpers"
BENCHMARKS = {
    "plan": "plan_cohort.py",
    "slurm": "slurm_overhead.py",
    "confounders": "confounders.py",
    "tissue": "tissue_tiles.py",
    "segmentation": "segment_tissue.py",
    "read": "read_patches.py",
    "resolutions": "read_resolutions.py",
    "features": "extract_features.py",
    "finished": "finished_files.py",
    "gpu": "gpu_features.py",
    "genes": "gene_sets.py",
    "quality": "quality_truth.py",
    "precision": "feature_precision.py",
    "downloads": "download_scale.py",
    "omics": "omics_scale.py",
    "pretrain": "pretrain_step.py",
    "gradients": "sum_gradients.py",
    "paper": "plan_paper.py",
    "probe_costs": "probe_costs.py",
    "provenance": "provenance_scale.py",
    "retrieval": "retrieval_memory.py",
    "probe": "probe_speed.py",
    "scaling": "scaling_truth.py",
    "seeds": "demo_seeds.py",
    "tests": "type_one_errors.py",
    "vectors": "given_vectors.py",
    "prediction": "prediction.py",
    "prediction_seeds": "prediction_seeds.py",
    "scanners": "prediction_scanners.py",
}


def main() -> int:
    """Run the benchmarks asked for; the exit status says how many failed."""
    names = sys.argv[1:] or list(BENCHMARKS)
    if unknown := sorted(set(names) - set(BENCHMARKS)):
        sys.exit(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    print(f"# {platform.machine()}, {platform.system()}, Python {platform.python_version()}", flush=True)
    paths = [str(LIBRARY), str(HELPERS), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}
    failed = 0
    for name in names:
        print(f"# {name}", flush=True)
        failed += bool(subprocess.run([sys.executable, FOLDER / BENCHMARKS[name]], env=environment).returncode)
    return failed


if __name__ == "__main__":
    sys.exit(main())
