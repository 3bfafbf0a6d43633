"""Draw the expression profiles by site and by sex."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.omics import plot_omics

    plot_omics(profiles=snakemake.input.profiles, output=snakemake.output.figure, note=snakemake.params.note)
