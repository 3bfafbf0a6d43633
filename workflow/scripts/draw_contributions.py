"""Draw what patches of a new slide add to a prediction, and write it for QuPath."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.predict.contribution_maps import draw_contributions

    draw_contributions(
        contributions=snakemake.input.contributions,
        slide_id=snakemake.wildcards.slide,
        inspected=snakemake.input.inspected,
        assessed=snakemake.input.assessed,
        wsi=f"{snakemake.params.results}/predict/cohort/wsi",
        note=snakemake.params.note,
        picture=snakemake.output.picture,
        patches=snakemake.output.patches,
    )
