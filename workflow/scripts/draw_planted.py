"""Draw the demo's picture: the curve over labels, and a gene set beside the planted patches."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.figures.planted import plot_planted

    plot_planted(
        curve=snakemake.input.curve,
        scores=snakemake.input.scores,
        planted=snakemake.input.planted,
        slide=snakemake.wildcards.slide,
        gene_set=snakemake.wildcards.gene_set,
        figure=snakemake.output.svg,
        note=snakemake.params.note,
    )
