"""Embed molecular profiles with the branches of a trained model."""

import sys
from pathlib import Path

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.embed.profiles import embed_profiles

    embed_profiles(
        tables=snakemake.input.tables,
        run_folder=str(Path(snakemake.input.sources[0]).parent),
        output=snakemake.output.table,
    )
