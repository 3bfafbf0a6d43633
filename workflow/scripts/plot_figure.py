"""Draw a figure as report/figures.yaml says."""

import sys

sys.path.insert(0, sys.path[-1])  # this script's folder: its library, before any other of that name
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake.log[0])

    from importlib import import_module

    call, files = snakemake.params.call, dict(snakemake.output.items())
    module, _, name = call["function"].rpartition(".")
    getattr(import_module(f"molpath.{module}"), name)(
        **dict(snakemake.input.items()),
        **call["arguments"],
        **{parameter: files[kind] for parameter, kind in call["outputs"].items()},
    )
