"""Write tasks and embeddings as Patho-Bench reads them."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.export.pathobench import write_inputs

    write_inputs(
        jobs=snakemake.params.jobs,
        configs=snakemake.input.configs,
        tables=snakemake.input.tables,
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        cohorts=snakemake.input.cohorts,
        bags=snakemake.input.bags,
        missing=snakemake.params.missing,
        output=snakemake.output.listed,
    )
