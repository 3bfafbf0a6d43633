"""Cluster the embeddings of a task's samples and compare the clusters with its labels."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.clustering import run_clusters
    from molpath.probe.cohorts import Embeddings, Side

    run_clusters(
        task=Side(snakemake.wildcards.task, *snakemake.input.task, *snakemake.input.bags),
        files=Embeddings(snakemake.input.slides, snakemake.input.cases, snakemake.input.cohort),
        model=snakemake.wildcards.model,
        k=snakemake.params.k,
        settings=snakemake.params.settings | {"seeds": snakemake.params.seeds},
        outputs=dict(snakemake.output.items()),
    )
