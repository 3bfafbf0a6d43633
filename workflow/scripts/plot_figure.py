"""Draw a figure as report/figures.yaml says."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog

if __name__ == "__main__":
    joblog.start(snakemake)

    from importlib import import_module

    from molpath.common.files import by_name

    call, inputs, files = snakemake.params.call, dict(snakemake.input.items()), dict(snakemake.output.items())
    inputs |= {parameter: by_name(names, inputs[parameter]) for parameter, names in call["keyed"].items()}
    module, _, name = call["function"].rpartition(".")
    getattr(import_module(f"molpath.{module}"), name)(
        **inputs,
        **call["arguments"],
        **{parameter: files[kind] for parameter, kind in call["outputs"].items()},
    )
