"""Fetch the splits of a task from the Hugging Face hub, with the user's own login."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.acquire.splits import fetch_splits

    fetch_splits(
        repository=snakemake.params.repository,
        revision=snakemake.params.revision,
        source=snakemake.wildcards.source,
        task=snakemake.wildcards.task,
        folder=snakemake.params.folder,
    )
