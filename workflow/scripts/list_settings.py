"""List the settings of the runs."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.settings import list_settings

    list_settings(
        runs=snakemake.params.runs,
        published=snakemake.input.published,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
