"""Draw what slide encoders add to mean pooling."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.gains import plot_gains

    plot_gains(
        metrics=snakemake.input.metrics,
        group="frozen",
        pairs=snakemake.params.pairs,
        models=snakemake.params.models,
        label="score minus mean pooling",
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
