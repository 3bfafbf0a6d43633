"""Count the tissue sites of the slides that runs train on."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.report.sites import count_sites

    count_sites(
        runs=snakemake.params.runs,
        slides=snakemake.input.slides,
        published=snakemake.input.published,
        note=snakemake.params.note,
        outputs=dict(snakemake.output.items()),
    )
