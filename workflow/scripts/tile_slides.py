"""Lay a grid over the tissue of the slides of a shard."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tiles.tiling import tile_shard

    tile_shard(
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        manifest=snakemake.output.manifest,
        wsi=f"{snakemake.params.results}/wsi",
        grid=snakemake.params.grid,
        code=snakemake.params.code,
        accept_other_code=snakemake.params.accept_other_code,
        log_path=snakemake.log[0],
    )
