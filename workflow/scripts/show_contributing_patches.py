"""Show the patches of a new slide that add most to a prediction, and those that take most from it."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.contributing_patches import show_contributing_patches

    show_contributing_patches(
        contributions=snakemake.input.contributions,
        slide_id=snakemake.wildcards.slide,
        slide=snakemake.params.slide,
        count=snakemake.params.patches,
        note=snakemake.params.note,
        picture=snakemake.output.picture,
    )
