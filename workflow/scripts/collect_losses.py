"""Gather what became of every slide as far as tiles or features, and judge how many were set aside."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.ledger import collect_losses

    collect_losses(
        slides=snakemake.input.slides,
        tiles=snakemake.input.tiles,
        features=snakemake.input.features,
        table=snakemake.output.table,
        max_failed_fraction=snakemake.params.max_failed_fraction,
    )
