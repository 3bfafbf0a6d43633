"""Fetch the weights of a patch encoder from the Hugging Face hub, with the user's own login."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.acquire.hub_weights import fetch_hub_weights

    fetch_hub_weights(
        table=snakemake.input.table,
        name=snakemake.wildcards.adapter,
        revision=snakemake.params.revision,
        weights=snakemake.output.weights,
    )
