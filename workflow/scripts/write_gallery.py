"""Write the gallery of slides, and the script that opens them in QuPath."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.tables.gallery import write_gallery

    write_gallery(
        table=snakemake.input.table,
        ledgers=snakemake.input.ledgers,
        predictions=snakemake.input.predictions,
        inspected=snakemake.input.inspected,
        grids=snakemake.params.grids,
        maps=snakemake.input.maps,
        paths=snakemake.params.paths,
        note=snakemake.params.note,
        output=snakemake.output.page,
        script=snakemake.output.script,
        listed=snakemake.output.listed,
    )
