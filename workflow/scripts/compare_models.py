"""Put models side by side."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.metrics import compare_models

    compare_models(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        note=snakemake.params.note,
        comparison=snakemake.output.comparison,
        seeds=snakemake.output.seeds,
        page=snakemake.output.page,
    )
