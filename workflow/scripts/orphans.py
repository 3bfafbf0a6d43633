"""List files of single slides that no manifest names, and temporary files nobody writes any more."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.provenance.verification import orphans

    found = orphans(snakemake.params.results)
    print(*found, f"{len(found)} files that no manifest names", sep="\n", flush=True)
