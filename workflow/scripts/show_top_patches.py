"""Show the patches of a slide that a model attends to most."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.interpret.top_patches import show_top_patches

    show_top_patches(
        attention=snakemake.input.attention,
        slide_id=snakemake.wildcards.slide,
        slide=snakemake.params.slide,
        count=snakemake.params.patches,
        note=snakemake.params.note,
        picture=snakemake.output.picture,
    )
