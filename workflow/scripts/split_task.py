"""Split a task into folds by the recipe in its config.yaml."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.splits import split_task

    split_task(
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        sheet=snakemake.input.sheet,
        output=snakemake.output.table,
    )
