"""Average what training slides add to a predictor: the baseline of what patches of new slides add."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.contributions import average_slides

    average_slides(
        predictor=str(Path(snakemake.input.weights).parent),
        model=snakemake.params.model,
        sources=snakemake.input.sources,
        manifests=snakemake.input.manifests,
        wsi=f"{snakemake.params.results}/wsi",
        cases=snakemake.params.cases,
        output=snakemake.output.usual,
        threads=snakemake.threads,
    )
