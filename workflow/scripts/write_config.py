"""Write down the merged config."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])
    from molpath.provenance.provenance import write_config

    write_config(snakemake.params.config, snakemake.output.config)
