"""Compare the expression of cases that a probe predicts high and low."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.interpret.expression import compare_expression

    compare_expression(
        predictions=snakemake.input.predictions,
        pairs=snakemake.input.pairs,
        tables=snakemake.input.rna,
        settings=snakemake.params.settings,
        output=snakemake.output.table,
        threads=snakemake.threads,
    )
