"""Draw the embeddings of cases."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.style import plot_embeddings

    params = snakemake.params
    plot_embeddings(snakemake.input.tables, params.models, params.colour, snakemake.output.figure, params.note)
