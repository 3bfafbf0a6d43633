"""Write the tables of the other protocols."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.by_cohort import table_protocols

    table_protocols(
        metrics=snakemake.input.metrics,
        models=snakemake.params.models,
        c=snakemake.params.c,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
