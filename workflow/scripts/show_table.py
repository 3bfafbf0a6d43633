"""Show a table as a page that sorts and filters."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.pages import show_table

    show_table(
        table=snakemake.input.table,
        name=snakemake.params.name,
        title=snakemake.params.title,
        sentences=snakemake.params.caption,
        note=snakemake.params.note,
        page=snakemake.output.page,
    )
