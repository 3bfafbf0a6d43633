"""Write a table of scores for every cohort."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.by_cohort import table_cohorts

    table_cohorts(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
