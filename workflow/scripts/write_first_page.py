"""Write the first page of the results."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.first_page import write_first_page

    write_first_page(
        provenance=snakemake.input.provenance,
        about=snakemake.params.about,
        note=snakemake.params.note,
        output=snakemake.output.page,
    )
