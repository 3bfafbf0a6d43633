"""Draw published against measured scores."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.published import plot_published

    plot_published(
        table=snakemake.input.table,
        models=snakemake.params.models,
        figure=snakemake.output.figure,
        note=snakemake.params.note,
    )
