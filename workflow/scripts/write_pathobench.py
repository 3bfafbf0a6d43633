"""Write the results of the frozen probes in the layout of Patho-Bench's."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.probe.pathobench import write_results

    write_results(
        jobs=snakemake.params.jobs,
        configs=snakemake.input.configs,
        tables=snakemake.input.tables,
        predictions=snakemake.input.predictions,
        metrics=snakemake.input.metrics,
        settings=snakemake.params.settings,
        output=snakemake.output.summary,
    )
