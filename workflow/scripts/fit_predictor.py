"""Fit a frozen probe on every labelled case of a task, and keep it."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.jobs import fit_predictor

    fit_predictor(
        task=snakemake.wildcards.task,
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        bags=next(iter(snakemake.input.bags), ""),
        cohort=snakemake.input.cohort,
        summary=snakemake.input.summary,
        model=snakemake.params.model,
        sources=snakemake.input.sources,
        manifests=snakemake.input.manifests,
        inspected=snakemake.input.inspected,
        patches=snakemake.params.patches,
        settings=snakemake.params.settings,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
