"""Correlate the expression of every gene with the direction of a probe."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
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
