"""Turn mutations and copy numbers of a cohort into flags."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.common.downloads import downloaded_only
    from molpath.omics.flags import flag_dna

    inputs = snakemake.input
    flag_dna(
        rows=downloaded_only(snakemake.params.rows, inputs.downloads),
        consequences=inputs.consequences,
        terms=inputs.terms,
        output=snakemake.output.table,
        losses=snakemake.output.losses,
        genes=(list(inputs.genes) or [""])[0],
        gene_table=(list(inputs.gene_table) or [""])[0],
        mutations=snakemake.params.mutations,
        panels=dict(zip(snakemake.params.panels, inputs.panels, strict=True)),
    )
