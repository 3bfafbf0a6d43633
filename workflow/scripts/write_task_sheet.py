"""Write the sheet of a study without slides, of the cases and slides that its tasks name."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.embed.given import write_sheet

    write_sheet(tables=snakemake.input.tables, output=snakemake.output.sheet)
