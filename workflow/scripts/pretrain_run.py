"""Pretrain the slide encoder of a run against its molecular profiles."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.pretrain.runs import pretrain_run

    pretrain_run(
        run=snakemake.params.run,
        patches=snakemake.input.patches,
        indices=snakemake.input.indices,
        pairs=snakemake.input.pairs,
        rna=snakemake.input.rna,
        dna=snakemake.input.dna,
        genes=(list(snakemake.input.genes) or [""])[0],
        outputs={Path(path).name: path for path in snakemake.output},
        finished=f"{snakemake.params.results}/pretrain/.finished",
        state=f"{snakemake.params.results}/pretrain/runs/{snakemake.wildcards.run}.state",
        code=snakemake.params.trainer,
        slides=snakemake.input.slides[0] if snakemake.input.slides else None,
        threads=snakemake.params.run["training"]["threads"],
        log_path=snakemake.log[0],
        patch_encoder=snakemake.params.patch_encoder,
        promised_gpu=snakemake.params.promised_gpu,
        events=snakemake.log[0].replace(".log", ".events"),
    )
