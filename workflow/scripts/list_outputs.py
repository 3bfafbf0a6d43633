"""List the files that the jobs of these results write."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.export.asked import write_outputs

    write_outputs(snakemake.params.outputs, snakemake.params.results, snakemake.output.listed)
