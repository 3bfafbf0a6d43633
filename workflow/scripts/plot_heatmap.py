"""Draw models and tasks as a heatmap."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.tasks import plot_heatmap

    plot_heatmap(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
