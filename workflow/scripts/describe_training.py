"""Describe the training cases of a predictor, so that new ones can be compared with them."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.reference import describe_training

    describe_training(
        task=snakemake.wildcards.task,
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        bags=next(iter(snakemake.input.bags), ""),
        cohort=snakemake.input.cohort,
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        manifests=snakemake.input.manifests,
        wsi=f"{snakemake.params.results}/wsi",
        settings=snakemake.params.settings,
        tensors=snakemake.output.tensors,
        facts=snakemake.output.facts,
    )
