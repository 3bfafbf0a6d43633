"""Compare every slide with what its inspection wrote down, and list the differences."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.slides.verification import compare_slides

    request = snakemake.params.request
    problems, count = compare_slides(request["slides"], request["manifests"], snakemake.threads)
    print(*problems, f"{len(problems)} of {count} inspected slides have changed", sep="\n", flush=True)
    sys.exit(1 if problems else 0)
