"""Write down what is left of all that the config asks for, and what that costs."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.preflight.plan_page import write_plan

    write_plan(
        request=snakemake.params.request,
        tables=dict(snakemake.input.items()),
        results=snakemake.params.results,
        facts=snakemake.params.about,
        state=snakemake.params.state,
        table=snakemake.output.table,
        page=snakemake.output.page,
    )
