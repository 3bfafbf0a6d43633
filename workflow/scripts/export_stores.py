"""List the SpatialData stores of all shards, and remove those of slides that left the sheet."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.export.stores import write_list

    write_list(snakemake.input.shards, snakemake.output.listed)
