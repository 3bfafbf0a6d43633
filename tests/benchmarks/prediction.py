"""Do predictions keep what they promise? Predictors of planted tasks, applied to thousands of later synthetic cases.

    .venv/bin/python tests/benchmarks/prediction.py --seeds 3 4 5

Each seed is a new synthetic cohort (molpath.demo.pairs) that goes through config/demo/pairs.yaml: 2,500 pairs pretrain
a slide encoder, predictors are fitted on 600 other cases, and cases of the same world that were drawn later are
predicted, some of them as two other scanners would show them. Prints coverage of 90 % sets, calibration error before
and after scaling, flags, and the processor time and memory of the job that predicts. Constants of generator and
training were chosen on seeds 0 and 1.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "workflow/scripts"))
from molpath.common.files import write_text, write_tsv  # noqa: E402
from molpath.demo.new_pairs import USUAL, write_new_pairs  # noqa: E402
from molpath.demo.pairs import PROBED, write_pairs  # noqa: E402
from molpath.demo.predicted import worth  # noqa: E402

RESULTS, CASES = "results/pairs", "resources/demo/pairs/new/cases.tsv"


def config_of(model: str) -> dict:
    """The demo's config with one model, and what predictions don't need left out."""
    config = yaml.safe_load((ROOT / "config/demo/pairs.yaml").read_text())
    config["embed"] |= {"use": [model], "cohorts": [PROBED]}
    config["report"].pop("reference")
    config["probe"].pop("gene_sets")
    for predictor in config["probe"]["predictors"]:
        predictor["model"] = model
    return config


def predict(folder: Path, model: str) -> dict[str, Path]:
    """Run the workflow as far as predictions; their tables by task."""
    config = config_of(model)
    write_text(folder / "config.yaml", yaml.safe_dump(config, sort_keys=False))
    command = [Path(sys.executable).with_name("snakemake"), "predict", "--snakefile", ROOT / "workflow/Snakefile"]
    command += ["--configfile", folder / "config.yaml", "--cores", "2", "--quiet", "all"]
    subprocess.run(list(map(str, command)), cwd=folder, check=True)
    tasks = [predictor["task"] for predictor in config["probe"]["predictors"]]
    return {task: folder / f"{RESULTS}/predict/{model}/{task}/predictions.tsv" for task in tasks}


def costs(folder: Path, model: str, cases: int) -> pd.DataFrame:
    """Of each job after features: processor seconds, those of a case, and MiB at its peak."""
    places = [
        folder / f"{RESULTS}/benchmarks/predict/cohort/embed/{model}",
        folder / f"{RESULTS}/benchmarks/predict/{model}",
    ]
    rows = []
    for path in sorted(file for place in places for file in place.rglob("*.tsv")):
        usage = pd.read_csv(path, sep="\t").iloc[-1]
        name = str(path.relative_to(folder / RESULTS / "benchmarks/predict").with_suffix(""))
        rows.append({"job": name, "cpu_s": usage.cpu_time, "cpu_s_case": usage.cpu_time / cases, "mib": usage.max_rss})
    return pd.DataFrame(rows)


def measure(folder: Path, seed: int, model: str, usual: int, other: int, draw: int) -> list[pd.DataFrame]:
    """Tables of tasks, of scanners and of costs."""
    inputs, counts = folder / "resources/demo/pairs", {USUAL: usual, "shifted": other, "scaled": other}
    write_new_pairs(inputs, write_pairs(inputs, seed), seed, counts, draw)
    tasks, flags = worth(predict(folder, model), folder / CASES)
    return [table.assign(seed=seed) for table in (tasks, flags, costs(folder, model, sum(counts.values())))]


def main() -> None:
    """Measure the seeds asked for; print, and write the tables if asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3])
    parser.add_argument("--model", default="threads-s0")
    parser.add_argument("--usual", type=int, default=2000, help="later cases of the same scanner")
    parser.add_argument("--other", type=int, default=200, help="cases of each other scanner")
    parser.add_argument("--draw", type=int, default=1, help="which later cases (the demo's: 0)")
    parser.add_argument("--keep", help="folder to work in, which stays")
    arguments = parser.parse_args()
    measured = []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(arguments.keep or scratch) / str(seed)
            options = arguments.model, arguments.usual, arguments.other, arguments.draw
            measured.append(measure(folder, seed, *options))
        for table in measured[-1]:
            print(table.round(4).to_string(index=False), flush=True)
    if arguments.keep:
        for name, tables in zip(("tasks", "flags", "costs"), zip(*measured, strict=True), strict=True):
            write_tsv(Path(arguments.keep) / f"{name}.tsv", pd.concat(tables))


if __name__ == "__main__":
    main()
