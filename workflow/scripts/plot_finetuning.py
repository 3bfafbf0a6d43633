"""Draw means over fine-tuned tasks and the tasks won."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.averages import plot_averages

    plot_averages(
        metrics=snakemake.input.metrics,
        tests=snakemake.input.tests,
        means=snakemake.input.means,
        group="finetune",
        models=snakemake.params.models,
        reference=snakemake.params.reference,
        supervised=snakemake.params.supervised,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
