"""Draw transfer from cohort to cohort."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.protocols import plot_transfer

    plot_transfer(
        metrics=snakemake.input.metrics,
        tests=snakemake.input.tests,
        models=snakemake.params.models,
        reference=snakemake.params.reference,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
