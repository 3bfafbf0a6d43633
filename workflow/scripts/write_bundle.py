"""Write a bundle: predictors and all that applies them on another machine."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.bundle import write_bundle

    write_bundle(
        folder=str(Path(snakemake.output.sums).parent),
        files=dict(zip(snakemake.params.copied, snakemake.input.files, strict=True)),
        weights=snakemake.input.weights,
        contents=snakemake.params.contents,
        sections=snakemake.params.sections,
    )
