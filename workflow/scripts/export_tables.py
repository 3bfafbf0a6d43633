"""Write every table of the results as Parquet."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.export.asked import read_outputs
    from molpath.export.tables import write_tables

    outputs = read_outputs(snakemake.input.outputs)
    write_tables(snakemake.params.results, snakemake.input.schema, snakemake.output.listed, outputs)
