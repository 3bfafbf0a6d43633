"""Pack the patch features of all paired slides into one array."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.pretrain.store import pack_patches

    pack_patches(
        manifests=snakemake.input.manifests,
        pairs=snakemake.input.pairs,
        wsi=f"{snakemake.params.results}/wsi",
        patches=snakemake.output.patches,
        index=snakemake.output.index,
        finished=f"{snakemake.params.results}/pretrain/.finished",
        code=snakemake.params.code,
    )
