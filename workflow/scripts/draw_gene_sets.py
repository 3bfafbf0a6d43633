"""Draw what patches add to a slide's scores of gene sets, and write it for QuPath."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.interpret.gene_set_maps import draw_gene_sets

    draw_gene_sets(
        scores=snakemake.input.scores,
        sets=snakemake.input.sets,
        slide_id=snakemake.wildcards.slide,
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        wsi=f"{snakemake.params.results}/wsi",
        note=snakemake.params.note,
        picture=snakemake.output.picture,
        patches=snakemake.output.patches,
    )
