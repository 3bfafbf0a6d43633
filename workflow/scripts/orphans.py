"""List files of single slides that no manifest names, and temporary files nobody writes any more."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.provenance.verification import orphans

    found = orphans(snakemake.params.results)
    print(*found, f"{len(found)} files that no manifest names", sep="\n", flush=True)
