"""Tasks drawn at random, for what is fitted on them: labels that follow embeddings, folds over cases."""

from __future__ import annotations

import numpy as np
from molpath.probe.tasks import Task

#: Settings of the frozen probes, as the schema's defaults have them.
SETTINGS = {
    "C": 0.5,
    "max_iter": 10000,
    "cox": {"alpha": 0.07, "l1_ratio": 0.5, "max_iter": 100000, "times": [365, 1095]},
    "ridge_alphas": [0.1, 1, 10, 100, 1000],
    "scale": "none",
    "seed": 0,
}


class World:
    """Classes whose means differ along some numbers of an embedding (`width` numbers of noise 1).

    shares: how common each class is; apart: distance of the means from the middle. Slides of one case share most of
    their noise.
    """

    def __init__(self, shares, width, apart, seed=0):
        rng = np.random.default_rng(seed)
        self.shares, self.width = np.asarray(shares) / np.sum(shares), width
        means = rng.normal(size=(len(shares), width))
        self.means = apart * means / np.linalg.norm(means, axis=1, keepdims=True)

    def draw(self, rng, cases, slides=1):
        """Embeddings (float32 N x width), labels and case numbers (int N each); a case has 1 to `slides` slides."""
        case = np.repeat(np.arange(cases), rng.integers(1, slides + 1, cases))
        label = rng.choice(len(self.shares), cases, p=self.shares)
        own = rng.normal(size=(cases, self.width)) * (0.9 if slides > 1 else 1)
        noise = rng.normal(size=(len(case), self.width)) * (np.sqrt(1 - 0.81) if slides > 1 else 0)
        return (self.means[label] + own)[case].astype(np.float32) + noise.astype(np.float32), label[case], case

    def task(self, rng, cases, slides=1, folds=5):
        """A task of those cases (of slides, where cases have several), and its embeddings."""
        x, label, case = self.draw(rng, cases, slides)
        return task_of(label, case, folds, classes=len(self.shares)), x


def folds_of(case, folds):
    """Each case is tested in one of the folds (object N x folds)."""
    return np.where(case[:, None] % folds == np.arange(folds), "test", "train").astype(object)


def task_of(label, case, folds=5, classes=0, **more):
    """A task of samples with labels (int N) and case numbers (int N); classes are called a, b, …"""
    samples = [f"S{k:05d}" for k in range(len(case))]
    names = list("abcdefgh"[: classes or int(label.max()) + 1]) if len(label) else []
    cases = {name: f"C{k:05d}" for name, k in zip(samples, case, strict=True)}
    unit = "slide_id" if len(set(case)) < len(case) else "case_id"
    return Task("t", unit, samples, label, names, folds_of(case, folds), ["bacc"], cases=cases, **more)


def survival_task(rng, cases, width, folds=5):
    """A survival task whose risk follows the fourth number, and its embeddings (float32 N x width)."""
    x = rng.normal(size=(cases, width)).astype(np.float32)
    times = np.ceil(rng.exponential(np.exp(-x[:, 3])) * 500 / 50) * 50
    nothing, case = np.zeros(cases, int), np.arange(cases)
    task = task_of(nothing, case, folds, times=times, events=rng.random(cases) < 0.7)
    task.classes = []
    return task, x


def regression_task(rng, cases, width, folds=5, noise=1.0, slides=1):
    """A task of a number that follows the embedding, and its embeddings."""
    case = np.repeat(np.arange(cases), slides)
    x = rng.normal(size=(len(case), width)).astype(np.float32)
    values = x[:, 0] * 2 - x[:, 1] + noise * rng.normal(size=len(case)) + 10
    task = task_of(np.full(len(case), -1), case, folds, values=values)
    task.classes = []
    return task, x
