"""Draw the course of pretraining."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.style import plot_history

    plot_history(snakemake.input.histories, snakemake.params.runs, snakemake.output.figure, snakemake.params.note)
