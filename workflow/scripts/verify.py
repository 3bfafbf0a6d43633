"""Compare every file of single slides with what its manifest says, and list the differences."""

import sys

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.common.verification import verify

    problems = verify(snakemake.params.results)
    print(*problems, f"{len(problems)} differences between manifests and files", sep="\n", flush=True)
    sys.exit(1 if problems else 0)
