"""Show the slides that were set aside and the worst of those kept."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.cohort import show_worst_slides

    show_worst_slides(
        slides=snakemake.input.table,
        ledger=snakemake.input.ledger,
        wsi=f"{snakemake.params.results}/wsi",
        note=snakemake.params.note,
        output=snakemake.output.page,
    )
