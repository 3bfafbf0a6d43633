"""Compare features of one slide with those that the user already has; print the cosine."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.common.given_h5 import Unusable
    from molpath.common.manifests import read_manifest
    from molpath.features.comparison import compare_features

    request = snakemake.params.request
    if not request["slide"]:
        sys.exit("config, key features/compare: name a slide, grid, encoder and your file of features of that slide")
    (manifest,), (features,) = snakemake.input.inspected, snakemake.input.given
    inspected = {row["slide_id"]: row for row in read_manifest(manifest)}[request["slide"]]
    if inspected["reason"]:
        sys.exit(f"slide {request['slide']} is set aside ({inspected['reason']}): {inspected['detail']}")
    try:
        comparison = compare_features(
            request["path"], features, inspected, request["grid"], request["encoder"], list(snakemake.input.weights)
        )
    except Unusable as error:
        sys.exit(f"{features}: {error}")
    print(comparison.report(request["slide"], features), flush=True)
