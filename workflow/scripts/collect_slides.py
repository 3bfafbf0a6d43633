"""Gather the manifests of slides and tissue into one table and judge how many slides were set aside."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.slides.cohort import collect_slides

    collect_slides(
        sheet=snakemake.input.sheet,
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        table=snakemake.output.table,
        max_failed_fraction=snakemake.params.max_failed_fraction,
    )
