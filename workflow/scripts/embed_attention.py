"""Write the attention of a trained model over the patches of named slides."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.embed.attention import write_attention

    write_attention(
        slides=snakemake.params.slides,
        manifests=snakemake.input.manifests,
        run_folder=str(Path(snakemake.input.sources[0]).parent),
        wsi=f"{snakemake.params.results}/wsi",
        output=snakemake.output.table,
        threads=snakemake.threads,
    )
