"""Pack the patch features of the paired slides of a shard."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.pretrain.store import pack_patches

    pack_patches(
        manifest=snakemake.input.manifest,
        pairs=snakemake.input.pairs,
        wsi=f"{snakemake.params.results}/wsi",
        patches=snakemake.output.patches,
        index=snakemake.output.index,
        finished=f"{snakemake.params.results}/pretrain/.finished",
        code=snakemake.params.code,
        repack=snakemake.params.repack,
    )
