"""Pack the patch features of the paired slides of a shard."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
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
