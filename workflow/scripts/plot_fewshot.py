"""Draw the probes on few labels."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.protocols import plot_fewshot

    plot_fewshot(
        metrics=snakemake.input.metrics,
        folds=snakemake.input.folds,
        models=snakemake.params.models,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
