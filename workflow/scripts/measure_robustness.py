"""Measure whether biology or a technical column decides which slides and cases lie near in a model's embedding."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.robustness_job import measure_robustness

    files = snakemake.input.tasks
    measure_robustness(
        model=snakemake.wildcards.model,
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        sheet=snakemake.input.sheet,
        case_sheet=next(iter(snakemake.input.case_sheet), ""),
        tasks=dict(zip(snakemake.params.tasks, zip(files[::2], files[1::2], strict=True), strict=True)),
        pairs=snakemake.params.pairs,
        settings=snakemake.params.settings,
        output=snakemake.output.table,
        ladder=snakemake.output.ladder,
    )
