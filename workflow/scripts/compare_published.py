"""Put this run's scores beside the paper's."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.published import compare_published

    compare_published(
        metrics=snakemake.input.metrics,
        published=snakemake.input.published,
        tasks=snakemake.input.tasks,
        names=snakemake.params.names,
        note=snakemake.params.note,
        table=snakemake.output.table,
        averages=snakemake.output.averages,
        page=snakemake.output.page,
        markdown=snakemake.output.markdown,
        latex=snakemake.output.latex,
    )
