"""Write what could explain the scores on all tasks."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.confounders import compare_confounders

    compare_confounders(
        tables=snakemake.input.tables,
        metrics=snakemake.input.metrics,
        note=snakemake.params.note,
        table=snakemake.output.table,
        page=snakemake.output.page,
    )
