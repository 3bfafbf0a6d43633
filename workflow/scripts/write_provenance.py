"""Write down what made the results, and their files by SHA-256."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)
    from molpath.provenance.crate import write_crate
    from molpath.provenance.provenance import write_provenance

    provenance = write_provenance(
        config=snakemake.input.config,
        inputs=dict(zip(snakemake.params.names, snakemake.input.given, strict=True)),
        environments=snakemake.input.environments,
        code={"digests": snakemake.params.code} | snakemake.params.state,
        outputs=[*snakemake.input.outputs, snakemake.input.config],
        results=snakemake.params.results,
        output=snakemake.output.provenance,
        threads=snakemake.threads,
    )
    write_crate(
        provenance=provenance,
        snakefile=snakemake.input.snakefile,
        workflow=snakemake.output.workflow,
        benchmarks=f"{snakemake.params.results}/benchmarks",
        times=snakemake.output.times,
        note=snakemake.params.note,
        output=snakemake.output.crate,
    )
