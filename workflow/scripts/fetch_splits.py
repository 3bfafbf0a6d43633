"""Fetch the splits of a task from the Hugging Face hub, with the user's own login."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.acquire.splits import fetch_splits

    fetch_splits(
        repository=snakemake.params.repository,
        revision=snakemake.params.revision,
        source=snakemake.wildcards.source,
        task=snakemake.wildcards.task,
        folder=snakemake.params.folder,
    )
