"""Draw prompts."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.protocols import plot_prompting

    plot_prompting(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        figure=snakemake.output.figure,
        table=snakemake.output.table,
        note=snakemake.params.note,
    )
