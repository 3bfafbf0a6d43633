"""Embed a block of slides, cases or bags with a model."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.embed.embedding import embed_block

    embed_block(
        members=snakemake.params.members,
        cases=snakemake.params.cases,
        model=snakemake.params.model,
        manifests=snakemake.input.manifests,
        sources=snakemake.input.sources,
        wsi=f"{snakemake.params.results}/wsi",
        cohort=snakemake.input.judged or "",
        output=snakemake.output.block,
        finished=f"{snakemake.params.results}/embed/.finished",
        code=snakemake.params.code,
        promised_gpu=snakemake.params.promised_gpu,
        log_path=snakemake.log[0],
    )
