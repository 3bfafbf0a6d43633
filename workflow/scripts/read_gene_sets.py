"""Read gene sets from a model's embeddings: directions, reliability, scores of cases, slides and patches."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.interpret.gene_set_reading import read_gene_sets

    trained = snakemake.params.model["kind"] == "threads"
    read_gene_sets(
        model=snakemake.params.model,
        run_folder=str(Path(snakemake.input.sources[0]).parent) if trained else "",
        own=snakemake.params.own,
        scores=snakemake.input.scores,
        listing=snakemake.input.listing,
        slides=snakemake.input.slides,
        cases=snakemake.input.cases,
        tables=snakemake.input.tables,
        manifests=snakemake.input.manifests,
        wsi=f"{snakemake.params.results}/wsi",
        settings=snakemake.params.settings,
        outputs=dict(snakemake.output.items()),
        threads=snakemake.threads,
    )
