"""Ask of a task whether columns of its cases explain what a model scores on it."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.confounders.job import assess_confounders

    assess_confounders(
        task=snakemake.wildcards.task,
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        bags=next(iter(snakemake.input.bags), ""),
        cohort=snakemake.input.cohort,
        model=snakemake.wildcards.model,
        predictions=snakemake.input.predictions,
        sheet=snakemake.input.sheet,
        case_sheet=next(iter(snakemake.input.case_sheet), ""),
        inspected=next(iter(snakemake.input.inspected), ""),
        columns=snakemake.params.columns,
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
    )
