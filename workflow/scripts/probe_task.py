"""Probe the frozen embeddings of a model on a task."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.jobs import run_probe

    run_probe(
        task=snakemake.wildcards.task,
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        bags=next(iter(snakemake.input.bags), ""),
        cohort=snakemake.input.cohort,
        model=snakemake.wildcards.model,
        group=snakemake.wildcards.group,
        settings=snakemake.params.settings,
        predictions=snakemake.output.predictions,
        metrics=snakemake.output.metrics,
        summary=snakemake.output.summary,
    )
