"""Add up what the jobs of a run took."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
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
