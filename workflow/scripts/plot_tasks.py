"""Draw the scores of every model and task."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.tasks import plot_tasks

    plot_tasks(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
