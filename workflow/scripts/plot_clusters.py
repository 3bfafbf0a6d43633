"""Draw t-SNE coordinates of clustered tasks."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.figures.maps import plot_clusters

    plot_clusters(
        points=snakemake.input.points,
        scores=snakemake.input.scores,
        output=snakemake.output.figure,
        note=snakemake.params.note,
    )
