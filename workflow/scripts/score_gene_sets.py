"""Score gene sets, and random ones beside them, in expression profiles."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.interpret.gene_set_scores import score_gene_sets

    score_gene_sets(
        files=snakemake.input.sets,
        tables=snakemake.input.tables,
        genes=snakemake.input.genes[0] if snakemake.input.genes else "",
        scores=snakemake.output.scores,
        listing=snakemake.output.listing,
        **snakemake.params.settings,
    )
