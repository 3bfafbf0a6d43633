"""Draw the scores of every model and task."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.report.figures import plot_fewshot, plot_metrics

    params = snakemake.params
    plot_metrics(snakemake.input.metrics, params.models, snakemake.output.tasks, params.note)
    plot_fewshot(snakemake.input.metrics, params.models, snakemake.output.fewshot, params.note)
