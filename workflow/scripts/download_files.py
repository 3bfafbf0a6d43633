"""Fetch the files that a block of a sheet names."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.acquire.download import download_files
    from molpath.acquire.web import Service

    # Not a parameter: retries don't change the files, and a rerun would read terabytes again for their MD5.
    settings = snakemake.config["acquire"]
    manifest = Path(snakemake.output.manifest)
    refused = download_files(
        files=snakemake.params.files,
        manifest=str(manifest),
        service=Service(settings["attempts"], settings["wait_s"], settings["timeout_s"], settings["gdc_api"]),
        connections=snakemake.resources.downloads,
        log_path=snakemake.log[0],
        notes=str(manifest.parents[2] / "digests.tsv"),
    )
    if refused:
        summary = f"{len(refused)} of {len(snakemake.params.files)} files were refused and are set aside, first"
        print(f"{manifest}: {summary} {refused[0]['id']}: {refused[0]['detail']}", flush=True)
        print(
            "`snakemake refused` lists them; after `snakemake retry_refused` the next run requests them again",
            flush=True,
        )
