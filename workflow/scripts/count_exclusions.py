"""Count what each criterion removed."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.tables.cohort import count_exclusions

    count_exclusions(slides=snakemake.input.slides, tiles=snakemake.input.tiles, output=snakemake.output.table)
