"""Gather the manifests of slides and tissue into one table and judge how many slides were set aside."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.slides.cohort import collect_slides

    collect_slides(
        sheet=snakemake.input.sheet,
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        table=snakemake.output.table,
        max_failed_fraction=snakemake.params.max_failed_fraction,
    )
