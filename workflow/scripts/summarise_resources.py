"""Add up what the jobs of a run took."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.resources import summarise_resources

    summarise_resources(
        folder=snakemake.params.folder,
        patterns=snakemake.params.patterns,
        gpus=snakemake.params.gpus,
        n_slides=snakemake.params.n_slides,
        note=snakemake.params.note,
        table=snakemake.output.table,
        shards=snakemake.output.shards,
        page=snakemake.output.page,
    )
