"""Coverage, calibration and flags of predictors over many seeds, in memory: the statistics of prediction.py in seconds.

    .venv/bin/python tests/benchmarks/prediction_seeds.py --seeds 3 4 5 6 7 8 9 10

The same synthetic cases as molpath.demo.pairs draws, without files, and instead of a trained slide encoder pooling that
looks at the planted mark (patches weighted by the exponential of it), which is what pretraining finds. 600 cases fit
the predictors of five tasks, 440 others of the same scanner and 60 of each other scanner are judged.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "workflow/scripts"), str(ROOT / "tests/helpers")]
from molpath.common.files import write_tsv  # noqa: E402
from molpath.demo.new_pairs import SCANNERS, USUAL, draw_scanners, scan  # noqa: E402
from molpath.demo.pairs import LATENTS, TASKS, World, cut, dominant, draw_patches, draw_world, write_task  # noqa: E402
from molpath.demo.predicted import worth  # noqa: E402
from molpath.predict.fitting import fit  # noqa: E402
from molpath.predict.reference import describe  # noqa: E402
from molpath.probe.tasks import read_task  # noqa: E402
from predictor_tasks import SETTINGS  # noqa: E402

TRAINED, OTHER, COVERAGE, FALSE_ALARMS = 600, 60, 0.9, 0.05


def pooled(patches: np.ndarray, world: World) -> np.ndarray:
    """Mean of patches (float N x D), each weighted by the exponential of its mark."""
    mark = patches @ world.mark
    weights = np.exp(mark - mark.max())
    return weights @ patches / weights.sum()


def labels_of(levels: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Labels of the cases by task."""
    classes = {task: cut(levels[:, LATENTS.index(programme)], rng) for task, programme in TASKS.items()}
    return classes | {"dominant": dominant(levels, rng)}


def measure(seed: int, folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tables of tasks and of scanners."""
    rng = np.random.default_rng([seed, 31])
    world, changes = draw_world(rng), draw_scanners(rng)
    counts = {USUAL: TRAINED + SCANNERS[USUAL], **{name: OTHER for name in ("shifted", "scaled", "faded")}}
    scanner = [name for name, count in counts.items() for _ in range(count)]
    names = [f"C{number:05d}" for number in range(len(scanner))]
    levels = rng.normal(size=(len(names), len(LATENTS)))
    labels = labels_of(levels, rng)
    drawn = (
        scan(draw_patches(level, world, rng)[0], scanner_name, changes)
        for level, scanner_name in zip(levels, scanner, strict=True)
    )
    bags = {name: patches.astype(np.float32) for name, patches in zip(names, drawn, strict=True)}
    x = np.array([pooled(bags[name], world) for name in names])
    slides = pd.DataFrame({"slide_id": names, "case_id": names})
    trained_on, new = names[:TRAINED], names[TRAINED:]
    reference = describe(x[:TRAINED], trained_on, slides[:TRAINED], bags.get, seed)
    doubt = reference.judge(x[TRAINED:], slides[TRAINED:], bags.get, FALSE_ALARMS, new)
    write_tsv(folder / "cases.tsv", pd.DataFrame({"case_id": new, "scanner": scanner[TRAINED:]}))
    paths = {}
    for task, coded in labels.items():
        write_task(folder / task, task, trained_on, coded[:TRAINED], seed)
        read = read_task(task, str(folder / task / "config.yaml"), str(folder / task / "k=all.tsv"))
        predictor = fit(read, x[[names.index(sample) for sample in read.samples]], SETTINGS)
        predictions = pd.concat([predictor.predict(x[TRAINED:], COVERAGE, by_class=False), doubt], axis=1)
        label = [predictor.classes[code] for code in coded[TRAINED:]]
        rows = predictions.assign(case_id=new, status="ok", reason="", label=label)
        paths[task] = folder / f"{task}.tsv"
        write_tsv(paths[task], rows.assign(ood_flag=rows.ood_flag.map({True: "yes", False: "no"})))
    tasks, flags = worth(paths, folder / "cases.tsv")
    return tasks.assign(seed=seed), flags.assign(seed=seed)


def costs(cases: int, width: int = 1024) -> dict[str, float]:
    """Processor seconds of a case and MiB at the peak of judging and predicting many cases; 512 patches per slide.

    Embeddings and patches are noise of the width that encoders have; patches are handed over slide by slide, as a job
    reads them from files.
    """
    rng = np.random.default_rng(0)
    names = [f"C{number:05d}" for number in range(TRAINED + cases)]
    x = rng.normal(size=(len(names), width)).astype(np.float32)
    slides = pd.DataFrame({"slide_id": names, "case_id": names})
    patches = np.random.default_rng(1).normal(size=(4096, width)).astype(np.float16)

    def bag(name: str) -> np.ndarray:
        first = int(name[1:]) % 3584
        return patches[first : first + 512]

    reference = describe(x[:TRAINED], names[:TRAINED], slides[:TRAINED], bag, 0)
    with tempfile.TemporaryDirectory() as folder:
        write_task(Path(folder), "immune", names[:TRAINED], (x[:TRAINED, 0] > 0).astype(int), 0)
        task = read_task("immune", f"{folder}/config.yaml", f"{folder}/k=all.tsv")
    predictor = fit(task, x[[names.index(sample) for sample in task.samples]], SETTINGS)
    began = time.process_time()
    predictor.predict(x[TRAINED:], COVERAGE, by_class=False)
    reference.judge(x[TRAINED:], slides[TRAINED:], bag, FALSE_ALARMS, names[TRAINED:])
    spent = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cases": cases, "cpu_s_case": spent / cases, "mib": peak}


def main() -> None:
    """Measure the seeds asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[3, 4])
    parser.add_argument("--cases", type=int, default=10_000, help="how many are predicted at once; 0: none")
    arguments = parser.parse_args()
    if arguments.cases:
        print(costs(arguments.cases), flush=True)
    measured = []
    for seed in arguments.seeds:
        with tempfile.TemporaryDirectory() as folder:
            measured.append(measure(seed, Path(folder)))
        print(*(table.round(4).to_string(index=False) for table in measured[-1]), sep="\n", flush=True)
    tasks, flags = (pd.concat(tables) for tables in zip(*measured, strict=True))
    means = tasks.groupby("task").mean().drop(columns="seed").assign(least=tasks.groupby("task").coverage.min())
    print(means.assign(most=tasks.groupby("task").coverage.max()).round(4).to_string())
    print(flags.groupby("scanner", sort=False).mean().drop(columns="seed").round(4).to_string())


if __name__ == "__main__":
    main()
