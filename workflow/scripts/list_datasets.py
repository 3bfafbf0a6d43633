"""List where the cohorts come from."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.datasets import list_datasets

    list_datasets(
        sheet=snakemake.input.sheet,
        cohorts=snakemake.input.cohorts,
        pretraining=snakemake.input.pretraining,
        trained=snakemake.params.trained,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
