"""Draw what became of the slides."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.report.figures import plot_slides

    plot_slides(snakemake.input.table, snakemake.output.figure, snakemake.params.note)
