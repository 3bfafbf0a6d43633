"""Draw what became of the slides, and how the numbers of quality control are spread."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.slides import plot_quality, plot_slides

    note = snakemake.params.note
    plot_slides(snakemake.input.table, snakemake.output.figure, note)
    plot_quality(snakemake.input.table, snakemake.params.thresholds, snakemake.output.quality, note)
