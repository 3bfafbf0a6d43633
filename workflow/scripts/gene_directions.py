"""Correlate the expression of every gene with the direction of a probe."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.interpret.gene_directions import write_directions

    write_directions(
        task=snakemake.wildcards.task,
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        bags=snakemake.input.bags[0] if snakemake.input.bags else "",
        model=snakemake.wildcards.model,
        profiles=snakemake.input.profiles,
        expression=snakemake.input.rna,
        settings=snakemake.params.settings,
        output=snakemake.output.table,
    )
