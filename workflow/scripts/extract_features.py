"""Encode every patch of a shard's slides: one feature file per slide, and the manifest."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.features.extraction import extract_shard

    paths = {row["slide_id"]: row["path"] for row in snakemake.params.rows if row["keep"] != "no"}
    extract_shard(
        tiles=snakemake.input.tiles,
        inspected=snakemake.input.inspected,
        slides=paths,
        weights=list(snakemake.input.weights),
        given_sample=snakemake.params.given_sample,
        manifest=snakemake.output.manifest,
        wsi=f"{snakemake.params.results}/wsi",
        grid=snakemake.params.grid,
        encoder=snakemake.params.encoder,
        code=snakemake.params.code,
        accept_other_code=snakemake.params.accept_other_code,
        deadline_s=snakemake.params.deadline_s,
        memory_mb=snakemake.params.memory_mb,
        max_damaged_fraction=snakemake.params.max_damaged_fraction,
        damaged=snakemake.params.damaged,
        threads=snakemake.threads,
        scratch=snakemake.params.scratch,
        scratch_gb=snakemake.params.scratch_gb,
        allow_cpu=snakemake.params.allow_cpu,
        gpu_build=snakemake.params.gpu_build,
        log_path=snakemake.log[0],
    )
