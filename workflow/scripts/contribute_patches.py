"""Write what each patch of new slides adds to the predictions of their cases."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.contributions import contribute_patches

    contribute_patches(
        predictor=str(Path(snakemake.input.predictor[0]).parent),
        usual=snakemake.input.usual,
        model=snakemake.params.model,
        sources=snakemake.input.sources,
        manifests=snakemake.input.manifests,
        wsi=f"{snakemake.params.results}/predict/cohort/wsi",
        embedded=snakemake.input.embedded,
        members=snakemake.params.members,
        output=snakemake.output.table,
        threads=snakemake.threads,
    )
