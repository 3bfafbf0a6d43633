"""Gather the embeddings of all slides or cases by a model."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.embed.embedding import gather_embeddings

    gather_embeddings(
        blocks=snakemake.input.blocks,
        sheet=snakemake.input.sheet,
        unit=snakemake.params.unit,
        output=snakemake.output.table,
        manifest=snakemake.output.manifest,
        model=snakemake.params.model,
        may_be_empty=snakemake.params.may_be_empty,
        cases_sheet=snakemake.input.cases[0] if snakemake.input.cases else "",
    )
