"""Write down the merged config."""

from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.provenance.provenance import write_config

    write_config(snakemake.params.config, snakemake.output.config)
