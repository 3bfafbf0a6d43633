"""Write a table, and what is drawn of it, as report/tables.yaml says."""

import sys
from pathlib import Path

# Snakemake puts this script's folder last; its library comes before any other of that name.
sys.path.insert(0, next(path for path in reversed(sys.path) if Path(path, "molpath").is_dir()))
from molpath.common import joblog


def find(path):
    """A function below molpath by the name of its module and its own."""
    module, _, name = path.rpartition(".")
    return getattr(import_module(f"molpath.{module}"), name)


if __name__ == "__main__":
    joblog.start(snakemake)

    from importlib import import_module

    from molpath.common.files import by_name

    call, inputs, files = snakemake.params.call, dict(snakemake.input.items()), dict(snakemake.output.items())
    inputs |= {parameter: by_name(names, inputs[parameter]) for parameter, names in call["keyed"].items()}
    outputs = call["outputs"]
    outputs = {outputs: files} if isinstance(outputs, str) else {key: files[name] for key, name in outputs.items()}
    result = find(call["function"])(**inputs, **call["arguments"], **outputs)
    if then := call["then"]:
        parts = result if isinstance(result, tuple) else (result,)
        find(then["function"])(*parts, files[then["output"]], call["arguments"]["note"])
