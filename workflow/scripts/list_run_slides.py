"""List the slides that a run trains on."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.cohort import list_run_slides

    list_run_slides(
        run=snakemake.params.run,
        pairs=snakemake.input.pairs,
        indices=snakemake.input.indices,
        sheet=snakemake.input.sheet,
        output=snakemake.output.table,
    )
