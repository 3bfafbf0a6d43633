"""Pair slides with molecular profiles, and look for cases that a run trains on and a task tests."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.omics.pairs import pair_slides

    pair_slides(
        slides=snakemake.input.slides,
        sheet=snakemake.input.sheet,
        tables=snakemake.input.tables,
        splits=dict(zip(snakemake.params.tasks, snakemake.input.splits, strict=True)),
        runs=snakemake.params.runs,
        finished=dict(zip(snakemake.params.finished, snakemake.input.finished, strict=True)),
        allow=snakemake.params.allow,
        correlation=snakemake.params.correlation,
        whole=snakemake.params.whole,
        pairs=snakemake.output.pairs,
        leakage=snakemake.output.leakage,
    )
