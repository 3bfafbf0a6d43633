"""Draw the slides of the synthetic cohort."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.demo.slide_files import make_slides

    make_slides(snakemake.params.slides, snakemake.params.seed, threads=snakemake.threads, log_path=snakemake.log[0])
