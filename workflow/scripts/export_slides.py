"""Write the slides of a shard as SpatialData stores."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.export.spatial import run_by

    sources = zip(snakemake.params.sources, snakemake.input.features, strict=True)
    run_by(
        snakemake.params.python or sys.executable,
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        sources=[source | {"manifest": manifest} for source, manifest in sources],
        cases=snakemake.params.cases,
        wsi=f"{snakemake.params.results}/wsi",
        note=snakemake.params.note,
        output=snakemake.output.listed,
    )
