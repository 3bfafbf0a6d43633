"""Write what all that the config asks for will cost."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.preflight.plan import write_plan

    write_plan(
        request=snakemake.params.request,
        costs=snakemake.input.costs,
        results=snakemake.params.results,
        output=snakemake.output.table,
    )
