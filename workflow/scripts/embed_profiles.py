"""Embed a block of molecular profiles with the branches of a trained model."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.embed.profiles import embed_profiles

    embed_profiles(
        table=snakemake.input.table,
        profiles=snakemake.params.profiles,
        run_folder=str(Path(snakemake.input.sources[0]).parent),
        output=snakemake.output.block,
        threads=snakemake.threads,
        own=snakemake.params.own,
    )
