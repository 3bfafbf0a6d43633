"""List files of single slides that no manifest of this config names, and temporary files nobody writes any more."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.provenance.verification import orphans

    paths = orphans(snakemake.params.results, snakemake.params.manifests)
    print(*paths, f"{len(paths)} files that no manifest of this config names", sep="\n", flush=True)
