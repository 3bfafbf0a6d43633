"""Normalise the expression profiles of a cohort."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.omics.expression import normalise_rna

    normalise_rna(rows=snakemake.params.rows, output=snakemake.output.table, losses=snakemake.output.losses)
