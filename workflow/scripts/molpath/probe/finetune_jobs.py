"""One fine-tuning job: a model and a task, fold by fold, finished folds kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..common.devices import take_device
from ..common.digests import digest_of
from ..common.files import read_tsv
from ..common.progress import Progress
from ..common.record import Record
from ..common.settings.embed import Model
from ..common.settings.probe import FineTuneJob
from ..embed.bags import Bags
from ..embed.models import identity_of
from .finetune import BINS, FineTuning, TaskBags
from .outputs import write_results
from .results import Results, sides
from .tasks import BadTask, Task, read_task
from .trainable import builder
from .training_side import Trained, training_values

log = logging.getLogger(__name__)


def run_finetune(
    *,
    task: str,
    config: str,
    table: str,
    cohort: str,
    model: Model,
    manifests: Sequence[str],
    sources: Sequence[str],
    wsi: str,
    settings: FineTuneJob,
    finished: str,
    code: str,
    predictions: str,
    metrics: str,
    summary: str,
    log_path: str | None = None,
) -> None:
    """Write predictions.parquet, metrics.tsv and summary.tsv as `run_probe` does, of the protocol `finetune`.

    model: with name, kind and what encoder_of needs; settings: those of the config's `probe`, with its `finetune`.
    cohort: tables/slides.tsv, for tasks that list no slides. finished: folder of finished folds, each under a stamp
    of its samples, patches, weights, recipe and code: an interrupted job continues with the next fold. A fold
    that diverges or can teach nothing has a row with the reason and no value, and the others continue.
    """
    full_task = read_task(task, config, table)
    bags = TaskBags(Bags(manifests, wsi), slides_of(full_task, cohort))
    usable = keep_known(full_task, bags, settings["missing"], table)
    if model["kind"] == "threads":
        bags.check_weights(sources[0])
    finetune = settings["finetune"]
    recipe = finetune["recipes"]["threads" if model["kind"] == "random" else model["kind"]]
    torch.set_num_threads(finetune["threads"])
    width = outputs_of(usable, finetune["survival_outputs"])
    make = builder(model, sources, bags.read(usable.samples[0]).shape[1], width)
    chosen = {"seed": finetune["seed"], "threads": finetune["threads"], "patches_at_test": finetune["patches_at_test"]}
    shared = identity_of(model, sources), dict(recipe), chosen, width, code
    progress = Progress(log_path, f"fine-tuning {model['name']} on {task}", usable.folds.shape[1], "folds")
    results = Results(usable)
    with take_device() as device:
        tuning = FineTuning(
            usable, make, lambda i: bags.read(usable.samples[i]), recipe,
            seed=finetune["seed"], sample_test=finetune["patches_at_test"] == "sampled", device=device,
        )  # fmt: skip
        for fold in range(usable.folds.shape[1]):
            stamp = digest_of(*shared, device.type, fold, contents_of(usable, fold, bags))
            add_fold(results, usable, TunedFold(Path(finished) / f"{stamp}.npz", tuning, fold))
            progress.step()
    head = {"task": task, "model": model["name"], "group": "finetune"}
    outputs = {"predictions": predictions, "metrics": metrics, "summary": summary}
    write_results(results, outputs, head, settings, len(full_task.samples) - len(usable.samples))


def outputs_of(task: Task, survival: int) -> int:
    """Width of a network's head: a number per class, or `survival` of them. Raises BadTask if those are too few."""
    if not task.is_survival:
        return len(task.classes)
    if survival < BINS:
        raise BadTask(f"{task.name}: {survival} outputs are fewer than the {BINS} intervals of time")
    return survival


def add_fold(results: Results, task: Task, tuned: TunedFold) -> None:
    """Scores of a fold, of its training side too where it did not fail."""
    train, test = sides(task, tuned.fold)
    results.add("finetune", tuned.fold, train, test, tuned)
    if tuned.trained:
        results.add_training("finetune", tuned.fold, *training_values(task, train, tuned.trained))


def slides_of(task: Task, cohort: str) -> dict[str, list[str]]:
    """Slides of each sample: those the task lists, else all that tables/slides.tsv has of the case."""
    listed = {name: list(task.slides.get(name) or ()) for name in task.samples}
    if all(listed.values()):
        return listed
    rows = read_tsv(cohort)
    all_slides = rows.groupby(task.unit, sort=False).slide_id.agg(list)
    return {name: listed[name] or all_slides.get(name, []) for name in task.samples}


def keep_known(task: Task, bags: TaskBags, missing: str, table: str) -> Task:
    """The task without samples that have no patches, which the log lists; raises BadTask where none may be missing."""
    usable = task.keep(bags.accepted())
    absent = sorted(set(task.samples) - set(usable.samples))
    for name in absent:
        log.warning("%s: %s %s has no patches: %s", task.name, task.unit, name, bags.why_absent(name))
    if not usable.samples or (absent and missing == "fail"):
        shown = ", ".join(f"{name}: {bags.why_absent(name)}" for name in absent[:10])
        raise BadTask(
            f"{table}: {len(absent)} of {len(task.samples)} {task.unit}s have no patches ({shown}); see the manifests "
            "of the features stage, take the rows out, or set `missing: skip`"
        )
    return usable


def contents_of(task: Task, fold: int, bags: TaskBags) -> list[Any]:
    """What a fold is made of: its samples in order, with side, label or survival, and fingerprints of their patches."""
    truth = task.labels.tolist() if not task.is_survival else list(zip(*task.survival, strict=True))
    rows = zip(task.samples, task.folds[:, fold], truth, strict=True)
    return [[name, side, str(y), bags.fingerprints(name)] for name, side, y in rows if side in ("train", "test")]


class TunedFold:
    """A fold: what was kept of it at `path`, else trained again and kept there. Failures are not kept.

    trained: both sides, once it was called and did not fail.
    """

    def __init__(self, path: Path, tuning: FineTuning, fold: int):
        self.path, self.tuning, self.fold, self.record = path, tuning, fold, Record(path.stem)
        self.trained: Trained | None = None

    def __call__(self, train: np.ndarray, test: np.ndarray) -> np.ndarray:
        """Predictions of the test side, as Results.add asks for them."""
        if self._is_kept():
            log.info("fold %d: taken from %s", self.fold, self.path)
            with np.load(self.path) as arrays:
                self.trained = Trained(arrays["test"], arrays["train"], float(arrays["loss"]), int(arrays["steps"]))
        else:
            self.trained = self.tuning.predict(self.fold, train, test)
            with self.record.writing(self.path) as temporary, open(temporary, "wb") as handle:
                np.savez(handle, **self.trained._asdict())
        return self.trained.test

    def _is_kept(self) -> bool:
        """True for a fold that is kept as it was written; a damaged one is trained again."""
        if not self.path.exists():
            return False
        is_complete = self.record.take(self.path)
        if not is_complete:
            log.warning("fold %d: %s is damaged, or was changed: it is trained again", self.fold, self.path)
        return is_complete
