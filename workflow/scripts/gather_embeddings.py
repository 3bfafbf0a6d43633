"""Gather the embeddings of all slides or cases by a model."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.embed.embedding import gather_embeddings

    gather_embeddings(
        blocks=snakemake.input.blocks,
        sheet=snakemake.input.sheet,
        unit=snakemake.params.unit,
        output=snakemake.output.table,
        model=snakemake.params.model,
        cases_sheet=snakemake.input.cases[0] if snakemake.input.cases else "",
    )
