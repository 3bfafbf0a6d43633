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

    inputs = snakemake.input
    normalise_rna(
        rows=downloaded_only(snakemake.params.rows, inputs.downloads),
        output=snakemake.output.table,
        losses=snakemake.output.losses,
        fit=snakemake.output.fit,
        reference=(list(inputs.reference) or [""])[0],
        genes=(list(inputs.genes) or [""])[0],
        cases=(list(inputs.cases) or [""])[0],
        settings=snakemake.params.settings,
        vocabularies=dict(zip(snakemake.params.runs, inputs.vocabularies, strict=True)),
        threads=snakemake.threads,
        log_path=snakemake.log[0],
    )
