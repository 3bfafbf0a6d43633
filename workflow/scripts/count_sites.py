"""Count the tissue sites of the slides that runs train on."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.sites import plot_sites
    from molpath.tables.sites import count_sites

    table = count_sites(
        runs=snakemake.params.runs,
        slides=snakemake.input.slides,
        published=snakemake.input.published,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
    plot_sites(table, snakemake.output.figure, snakemake.params.note)
