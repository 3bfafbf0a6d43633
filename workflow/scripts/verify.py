"""Compare every file with what manifests, provenance.json and records say, and list the differences."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.provenance.verification import verify_all

    problems = verify_all(snakemake.params.results, snakemake.threads)
    print(*problems, f"{len(problems)} differences between results and what they claim", sep="\n", flush=True)
    sys.exit(1 if problems else 0)
