"""Fetch the weights of a patch encoder from the Hugging Face hub, with the user's own login."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.acquire.hub_weights import fetch_hub_weights

    fetch_hub_weights(
        table=snakemake.input.table,
        name=snakemake.wildcards.adapter,
        revision=snakemake.params.revision,
        weights=snakemake.output.weights,
    )
