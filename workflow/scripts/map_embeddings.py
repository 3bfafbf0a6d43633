"""Write the map of a model's embeddings, and the table of its coordinates and neighbours."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.embedding_map import map_embeddings

    map_embeddings(
        model=snakemake.wildcards.model,
        embedded=snakemake.input.embedded,
        fates=snakemake.input.fates,
        slides=snakemake.input.slides,
        sheets=snakemake.input.sheets,
        results=snakemake.params.results,
        **snakemake.params.settings,
        note=snakemake.params.note,
        table=snakemake.output.table,
        page=snakemake.output.page,
    )
