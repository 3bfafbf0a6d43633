"""Normalise the expression profiles of a cohort."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.common.downloads import downloaded_only
    from molpath.omics.expression import normalise_rna

    given = snakemake.input
    normalise_rna(
        rows=downloaded_only(snakemake.params.rows, given.downloads),
        output=snakemake.output.table,
        losses=snakemake.output.losses,
        fit=snakemake.output.fit,
        reference=(list(given.reference) or [""])[0],
        genes=(list(given.genes) or [""])[0],
        cases=(list(given.cases) or [""])[0],
        settings=snakemake.params.settings,
        vocabularies=dict(zip(snakemake.params.runs, given.vocabularies, strict=True)),
        threads=snakemake.threads,
        log_path=snakemake.log[0],
    )
