"""Probes: 50 folds of 1,000 samples of 1,024 numbers against the libraries called as Patho-Bench calls them; 54 tasks.

As Patho-Bench calls them: scikit-learn and scikit-survival with BLAS threads left free. Both sides run here, each in a
process of its own, on the same generated embeddings and folds. Rows: what, folds, CPU seconds, CPU of the peer over
ours, mean of the metric, largest difference of a fold, difference of the mean. scikit-survival's ridge Cox takes half a
minute a fold, so two folds are measured and the time is scaled to 50 (the row says so).

Then `probe_all`: the paper's 54 tasks at their numbers of samples, classes and folds (unknown ones as its captions have
them), one generated model, frozen probes with all controls, two jobs side by side, each a process as in the workflow;
times eight for eight models.

    .venv/bin/python tests/benchmarks/probe_speed.py [speed] [all]
"""

import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

LIBRARY = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
sys.path.insert(0, str(LIBRARY))
SAMPLES, WIDTH, FOLDS, RIDGE_FOLDS = 1000, 1024, 50, 2
COX = {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000}
SETTINGS = {"C": 0.5, "max_iter": 10000, "cox": COX, "permutations": 20, "bootstraps": 100, "seed": 0}
#: (samples, classes or 0 for survival, folds, test share, how many such tasks) of the paper's 54.
TASKS = [
    (2319, 30, 1, 0.25, 1), (2319, 12, 1, 0.25, 1), (547, 7, 5, 0.2, 1), (547, 3, 5, 0.2, 1), (9555, 6, 1, 0.1, 1),
    (5333, 3, 1, 0.17, 1), (1058, 2, 5, 0.2, 3), (103, 2, 50, 0.2, 15), (1291, 2, 5, 0.2, 3), (389, 2, 5, 0.2, 4),
    (36, 2, 50, 0.2, 2), (53, 2, 50, 0.2, 1), (76, 4, 50, 0.2, 1), (75, 0, 5, 0.2, 1), (183, 0, 5, 0.2, 1),
    (144, 0, 5, 0.2, 1), (100, 0, 5, 0.2, 4), (1264, 2, 5, 0.2, 1), (874, 2, 5, 0.2, 3), (1939, 2, 5, 0.2, 1),
    (488, 2, 5, 0.2, 1), (185, 2, 5, 0.2, 1), (153, 2, 5, 0.2, 1), (126, 2, 5, 0.2, 1), (79, 2, 5, 0.2, 1),
    (58, 2, 5, 0.2, 1), (93, 2, 50, 0.2, 1),
]  # fmt: skip
MODELS, CORES = 8, 2


def generated(samples: int, classes: int, seed: int = 0):
    """Embeddings (float32 N x 1,024; 60 directions and noise), labels, times in days, events."""
    rng = np.random.default_rng([seed, samples, classes])
    latent = rng.normal(size=(samples, 60)) * np.linspace(2, 0.3, 60)
    x = latent @ rng.normal(size=(60, WIDTH)) / 8 + 0.5 * rng.normal(size=(samples, WIDTH))
    score = latent[:, 5] + 1.5 * rng.normal(size=samples)
    labels = np.searchsorted(np.quantile(score, np.linspace(0, 1, max(classes, 2) + 1)[1:-1]), score)
    times = np.ceil(rng.exponential(np.exp(-score / 2)) * 900) + 1
    return x.astype(np.float32), labels, times, rng.random(samples) < 0.6


def folds_of(samples: int, labels, folds: int, share: float) -> np.ndarray:
    """Sides (object N x K), test sides stratified by label."""
    from sklearn.model_selection import StratifiedShuffleSplit

    sides = np.full((samples, folds), "train", object)
    splitter = StratifiedShuffleSplit(folds, test_size=max(int(share * samples), len(set(labels))), random_state=0)
    for fold, (_, test) in enumerate(splitter.split(sides, labels)):
        sides[test, fold] = "test"
    return sides


def peer(kind: str) -> None:
    """The library as Patho-Bench calls it; prints CPU seconds and the metric of each fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sksurv.linear_model import CoxnetSurvivalAnalysis, CoxPHSurvivalAnalysis
    from sksurv.util import Surv

    x, labels, times, events = generated(SAMPLES, 2)
    target = Surv.from_arrays(events, times)
    sides = folds_of(SAMPLES, labels, FOLDS, 0.2)
    values = []
    began = time.process_time()
    for fold in range(RIDGE_FOLDS if kind == "ridge_cox" else FOLDS):
        train, test = sides[:, fold] == "train", sides[:, fold] == "test"
        if kind == "logistic":
            model = LogisticRegression(C=0.5, max_iter=10000, class_weight="balanced", random_state=0)
            model.fit(x[train], labels[train])
            values.append(roc_auc_score(labels[test], model.predict_proba(x[test])[:, 1]))
            continue
        if kind == "cox":
            model = CoxnetSurvivalAnalysis(alphas=[COX["alpha"]], l1_ratio=COX["l1_ratio"], max_iter=COX["max_iter"])
        else:
            model = CoxPHSurvivalAnalysis(alpha=COX["alpha"])
        model.fit(x[train].astype(float), target[train])
        values.append(model.score(x[test].astype(float), target[test]))
    print(json.dumps({"cpu": time.process_time() - began, "values": values}))


def measure_molpath(kind: str) -> None:
    """The same through probe_frozen, with every metric it always works out and no controls."""
    from molpath.probe.protocols import probe_frozen
    from molpath.probe.tasks import Task

    x, labels, times, events = generated(SAMPLES, 2)
    survival = (None, None) if kind == "logistic" else (times, events)
    names, sides = [f"S{i}" for i in range(SAMPLES)], folds_of(SAMPLES, labels, FOLDS, 0.2)
    task = Task("bench--y", "case_id", names, labels, ["a", "b"], sides, ["macro-ovr-auc"], *survival)
    cox = COX | ({"l1_ratio": 0} if kind == "ridge_cox" else {})
    began = time.process_time()
    results = probe_frozen(task, x, SETTINGS | {"cox": cox, "controls": []})
    cpu = time.process_time() - began
    metric = task.primary
    values = [row["value"] for row in results.metrics if row["metric"] == metric]
    print(json.dumps({"cpu": cpu, "values": values}))


def apart(side: str, kind: str) -> dict:
    """One side in a process of its own; the peer's without limits to BLAS."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    environment |= {"OMP_NUM_THREADS": "1"} if side == "ours" else {}
    command = [sys.executable, __file__, side, kind]
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def bench_speed() -> None:
    """Three probes, both sides."""
    print("what\tfolds\tcpu_s_peer\tcpu_s\tratio\tmetric_peer\tmetric\tworst_fold\tmean_difference", flush=True)
    for kind in ("logistic", "cox", "ridge_cox"):
        of_peer, own = apart("peer", kind), apart("ours", kind)
        measured = len(of_peer["values"])
        cpu = of_peer["cpu"] * FOLDS / measured
        a, b = np.array(of_peer["values"]), np.array(own["values"][:measured])
        name = kind if measured == FOLDS else f"{kind} (peer: {measured} folds measured, time scaled to {FOLDS})"
        print(
            f"{name}\t{FOLDS}\t{cpu:.1f}\t{own['cpu']:.2f}\t{cpu / own['cpu']:.0f}\t{a.mean():.5f}\t{b.mean():.5f}"
            f"\t{np.abs(a - b).max():.1e}\t{abs(a.mean() - b.mean()):.1e}",
            flush=True,
        )


def write_job(folder: Path, shape: tuple) -> None:
    """Embeddings and task files of one task."""
    import anndata
    import pandas as pd

    samples, classes, folds, share, _ = shape
    folder.mkdir(parents=True)
    x, labels, times, events = generated(samples, classes)
    names = [f"S{i}" for i in range(samples)]
    rng = np.random.default_rng(0)
    obs = pd.DataFrame({"site": [f"T{i}" for i in rng.integers(0, 12, samples)]}, index=names)
    obs["n_patches"], obs["slides_used"] = rng.integers(100, 30000, samples), names
    anndata.AnnData(x, obs=obs).write_h5ad(folder / "slides.h5ad")
    table = pd.DataFrame({"case_id": names, "slide_id": names, "OS": labels, "OS_event": events.astype(int)})
    table["OS_days"] = times
    sides = pd.DataFrame(folds_of(samples, labels, folds, share), columns=[f"fold_{i}" for i in range(folds)])
    pd.concat([table if not classes else table[["case_id", "slide_id", "OS"]], sides], axis=1).to_csv(
        folder / "k=all.tsv", sep="\t", index=False
    )
    config = {"task_col": "OS", "sample_col": "slide_id", "label_dict": {i: str(i) for i in range(max(classes, 2))}}
    config |= {"metrics": ["macro-ovr-auc" if classes else "cindex"], "extra_cols": []}
    config |= {} if classes else {"task_type": "survival", "extra_cols": ["OS_event", "OS_days"]}
    (folder / "config.yaml").write_text(json.dumps(config))


def run_job(folder: str) -> None:
    """What the script of rule probe_task does."""
    from molpath.probe.jobs import run_probe

    logging.disable(logging.WARNING)  # a generated site predicts a generated label now and then, by chance
    path = Path(folder)
    run_probe(
        task=f"bench--{path.name}", config=path / "config.yaml", table=path / "k=all.tsv", model="m", group="frozen",
        slides=str(path / "slides.h5ad"), cases="", settings=SETTINGS, predictions=path / "p.parquet",
        metrics=path / "m.tsv", summary=path / "s.tsv",
    )  # fmt: skip


def bench_all() -> None:
    """All tasks of one model, two jobs at a time; heavy ones first."""
    print("samples\tclasses\tfolds\ttasks\tseconds_a_job", flush=True)
    with tempfile.TemporaryDirectory(prefix="molpath-probe-") as name:
        jobs = [
            (shape, Path(name) / f"{i}-{copy}")
            for i, shape in enumerate(sorted(TASKS, key=lambda s: -s[0] * s[1] - s[2]))
            for copy in range(shape[4])
        ]
        for shape, folder in jobs:
            write_job(folder, shape)

        def timed(job):
            began = time.perf_counter()
            subprocess.run([sys.executable, __file__, "job", str(job[1])], check=True)
            return time.perf_counter() - began

        os.environ["OMP_NUM_THREADS"] = "1"
        began = time.perf_counter()
        with ThreadPoolExecutor(CORES) as pool:
            seconds = list(pool.map(timed, jobs))
        wall = time.perf_counter() - began
    for shape in TASKS:
        of_shape = [s for (other, _), s in zip(jobs, seconds, strict=True) if other == shape]
        print(f"{shape[0]}\t{shape[1] or 'survival'}\t{shape[2]}\t{shape[4]}\t{np.mean(of_shape):.1f}", flush=True)
    minutes = wall * MODELS / 60
    print(
        f"# probe_all: {len(jobs)} tasks of one model: {wall:.0f} s, {CORES} cores; {MODELS} models: {minutes:.1f} min"
    )


def main() -> None:
    """Both parts, one of them, or one process of theirs."""
    if sys.argv[1:2] and sys.argv[1] in ("peer", "ours", "job"):
        return {"peer": peer, "ours": measure_molpath, "job": run_job}[sys.argv[1]](sys.argv[2])
    parts = sys.argv[1:] or ["speed", "all"]
    if "speed" in parts:
        bench_speed()
    if "all" in parts:
        bench_all()


if __name__ == "__main__":
    main()
