"""Compare the expression of cases that a probe predicts high and low."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.interpret.expression import compare_expression

    compare_expression(
        predictions=snakemake.input.predictions,
        pairs=snakemake.input.pairs,
        tables=snakemake.input.rna,
        settings=snakemake.params.settings,
        output=snakemake.output.table,
        threads=snakemake.threads,
    )
