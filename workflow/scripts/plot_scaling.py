"""Draw scores against data and size of the runs that differ in them."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.scaling import plot_scaling

    plot_scaling(
        metrics=snakemake.input.metrics,
        studies=snakemake.params.studies,
        runs=snakemake.params.runs,
        weights=dict(zip(snakemake.params.runs, snakemake.input.weights, strict=True)),
        slides=dict(zip(snakemake.params.runs, snakemake.input.slides, strict=True)),
        published=snakemake.input.published,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
