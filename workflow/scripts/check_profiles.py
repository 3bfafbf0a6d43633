"""Check the profiles of all cohorts: batch, sex, copies against expression, outliers."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.omics.checks import check_profiles

    check_profiles(
        tables=snakemake.input.tables,
        slides=snakemake.input.slides,
        cases=(list(snakemake.input.cases) or [""])[0],
        checks=snakemake.output.checks,
        profiles=snakemake.output.profiles,
    )
