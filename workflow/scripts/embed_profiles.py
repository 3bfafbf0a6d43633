"""Embed molecular profiles with the branches of a trained model."""

from pathlib import Path

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.embed.profiles import embed_profiles

    embed_profiles(
        tables=snakemake.input.tables,
        run_folder=str(Path(snakemake.input.sources[0]).parent),
        output=snakemake.output.table,
    )
