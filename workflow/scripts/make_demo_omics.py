"""Make the molecular and clinical files of the synthetic cohort."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.demo.molecular import make_omics

    make_omics(snakemake.params.cases, snakemake.params.folder, snakemake.params.seed)
