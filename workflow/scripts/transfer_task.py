"""Train a probe on one cohort and test it on another."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.cohorts import Embeddings, Side
    from molpath.probe.transfer import run_transfer

    train, test = snakemake.params.sides
    run_transfer(
        name=snakemake.wildcards.task,
        train=Side(train, *snakemake.input.train, *snakemake.input.train_bags),
        test=Side(test, *snakemake.input.test, *snakemake.input.test_bags),
        files=Embeddings(snakemake.input.slides, snakemake.input.cases, snakemake.input.cohort),
        model=snakemake.wildcards.model,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
