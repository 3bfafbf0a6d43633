"""Describe the results as a data set in Croissant."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.export.croissant import write_croissant

    write_croissant(
        provenance=snakemake.input.provenance,
        crate=snakemake.input.crate,
        tables=snakemake.input.tables,
        outputs=snakemake.input.outputs,
        note=snakemake.params.note,
        output=snakemake.output.croissant,
    )
