"""Inspect the slides of a shard."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.common.downloads import failed_downloads
    from molpath.slides.inspection import inspect_shard

    inspect_shard(
        slides=snakemake.params.slides,
        manifest=snakemake.output.manifest,
        known_bad=snakemake.input.known_bad,
        not_downloaded=failed_downloads(snakemake.input.downloads),
        deadline_s=snakemake.params.deadline_s,
        memory_mb=snakemake.params.memory_mb,
        mpp_tolerance=snakemake.params.mpp_tolerance,
        log_path=snakemake.log[0],
    )
