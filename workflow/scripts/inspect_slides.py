"""Inspect the slides of a shard."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.slides.inspection import inspect_shard

    inspect_shard(
        slides=snakemake.params.slides,
        manifest=snakemake.output.manifest,
        deadline_s=snakemake.params.deadline_s,
        mpp_tolerance=snakemake.params.mpp_tolerance,
        log_path=snakemake.log[0],
    )
