"""Ask the services for the cohorts of section acquire, and write slides.tsv and profiles.tsv."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.acquire.sheets import write_sheets
    from molpath.acquire.web import Service

    settings = snakemake.params.settings
    messages = write_sheets(
        settings=settings,
        sheets=snakemake.params.sheets,
        downloads=snakemake.params.downloads,
        service=Service(settings["attempts"], settings["wait_s"], settings["timeout_s"], settings["gdc_api"]),
    )
    print(*(f"{path}: {message}" for path, message in messages.items()), sep="\n", flush=True)
