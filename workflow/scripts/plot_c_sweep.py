"""Draw the order of models over the strength of the penalty."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.gains import plot_c_sweep

    plot_c_sweep(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        c=snakemake.params.c,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
