"""Give a task its folds, by the recipe in its config.yaml."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.probe.splits import split_task

    split_task(
        config=snakemake.input.task[0],
        table=snakemake.input.task[1],
        sheet=snakemake.input.sheet,
        output=snakemake.output.table,
    )
