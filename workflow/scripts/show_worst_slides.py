"""Show the slides that were set aside and the worst of those kept."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.cohort import show_worst_slides

    show_worst_slides(
        slides=snakemake.input.table,
        wsi=f"{snakemake.params.results}/wsi",
        note=snakemake.params.note,
        output=snakemake.output.page,
    )
