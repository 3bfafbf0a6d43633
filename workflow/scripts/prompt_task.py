"""Assign slides and cases to classes by prompts of molecular profiles."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.cohorts import Embeddings, Side
    from molpath.probe.prompting import run_prompts

    support, query = snakemake.params.sides
    run_prompts(
        name=snakemake.wildcards.task,
        support=Side(support, *snakemake.input.support, *snakemake.input.support_bags),
        query=Side(query, *snakemake.input.query, *snakemake.input.query_bags),
        files=Embeddings(snakemake.input.slides, snakemake.input.cases, snakemake.input.cohort),
        profiles="".join(snakemake.input.profiles),
        modalities=snakemake.params.entry["modalities"],
        normalise=snakemake.params.entry["normalise"],
        model=snakemake.wildcards.model,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
