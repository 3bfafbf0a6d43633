"""Make the tasks of the synthetic cohort."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.demo.tasks import make_tasks, write_listing

    folder = snakemake.output.listing.removesuffix(".tsv")
    for source, slides in snakemake.params.slides.items():
        make_tasks(slides, str(Path(folder).with_name(source)), snakemake.params.seed)
    write_listing(folder, snakemake.output.listing)
