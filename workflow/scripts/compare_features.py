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

    asked = snakemake.params.asked
    if not asked["slide"]:
        sys.exit("config, key features/compare: name a slide, grid, encoder and your file of features of that slide")
    (inspected,), (given,) = snakemake.input.inspected, snakemake.input.given
    seen = {row["slide_id"]: row for row in read_manifest(inspected)}[asked["slide"]]
    if seen["reason"]:
        sys.exit(f"slide {asked['slide']} is set aside ({seen['reason']}): {seen['detail']}")
    try:
        found = compare_features(
            asked["path"], given, seen, asked["grid"], asked["encoder"], list(snakemake.input.weights)
        )
    except Unusable as error:
        sys.exit(f"{given}: {error}")
    print(found.report(asked["slide"], given), flush=True)
