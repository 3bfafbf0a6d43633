"""Draw every fine-tuned task."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.averages import plot_each_task

    plot_each_task(
        metrics=snakemake.input.metrics,
        group="finetune",
        models=snakemake.params.models,
        supervised=snakemake.params.supervised,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
