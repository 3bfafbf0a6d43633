"""Draw tasks with few cases."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.tasks import plot_small_cohorts

    plot_small_cohorts(
        metrics=snakemake.input.metrics,
        tests=snakemake.input.tests,
        folds=snakemake.input.folds,
        splits=snakemake.input.splits,
        tasks=snakemake.params.tasks,
        most=snakemake.params.most,
        models=snakemake.params.models,
        reference=snakemake.params.reference,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
