"""List the files that services refused, and let the next run request them again."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.acquire.refused import list_refused

    print(list_refused(snakemake.params.downloads, retry=True), flush=True)
