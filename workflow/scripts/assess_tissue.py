"""Segment tissue and judge the quality of the slides of a shard."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tissue.assessment import assess_shard

    assess_shard(
        slides=snakemake.params.slides,
        inspected=snakemake.input.inspected,
        manifest=snakemake.output.manifest,
        wsi=f"{snakemake.params.results}/wsi",
        settings=snakemake.params.settings,
        code=snakemake.params.code,
        accept_other_code=snakemake.params.accept_other_code,
        deadline_s=snakemake.params.deadline_s,
        memory_mb=snakemake.params.memory_mb,
        log_path=snakemake.log[0],
    )
