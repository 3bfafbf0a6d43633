"""Fine-tune a slide encoder, or train a supervised one, on a task."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.finetune_jobs import run_finetune

    run_finetune(
        task=snakemake.wildcards.task,
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        cohort=snakemake.input.cohort,
        model=snakemake.params.model,
        manifests=snakemake.input.manifests,
        sources=snakemake.input.sources,
        wsi=f"{snakemake.params.results}/wsi",
        settings=snakemake.params.settings,
        finished=f"{snakemake.params.results}/probe/.finished",
        code=snakemake.params.code,
        predictions=snakemake.output.predictions,
        metrics=snakemake.output.metrics,
        summary=snakemake.output.summary,
        log_path=snakemake.log[0],
    )
