"""Write down the merged config and what made the results."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.report.provenance import write_config, write_provenance

    write_config(snakemake.params.config, snakemake.output.config)
    write_provenance(code=snakemake.params.code, sheets=snakemake.input.sheets, output=snakemake.output.provenance)
