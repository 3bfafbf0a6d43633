"""Show the slides that were set aside and the worst of those kept."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.cohort import show_worst_slides

    show_worst_slides(
        slides=snakemake.input.table,
        wsi=f"{snakemake.params.results}/wsi",
        note=snakemake.params.note,
        output=snakemake.output.page,
    )
