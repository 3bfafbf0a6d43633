"""Draw the slides of the synthetic cohort."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.demo.slide_files import make_slides

    make_slides(snakemake.params.slides, snakemake.params.seed, threads=snakemake.threads, log_path=snakemake.log[0])
