"""Write the page of what could explain the scores on a task."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.confounders import show_confounders

    inputs = dict(snakemake.input.items())
    show_confounders(
        task=snakemake.wildcards.task,
        metrics=inputs.pop("metrics"),
        tables=inputs,
        note=snakemake.params.note,
        page=snakemake.output.page,
    )
