"""What does a probe lose where its training cases tie the label to a site? PathoROB's ladder of training sets.

Two labels and two sites are compared, as in PathoROB. Training sets of one size have both labels and both sites equally
often, and label and site go together by Cramér's V of 0, 0.25, 0.5, 0.75 and 1; test cases, others than those, have
every label at every site equally often. PathoROB: Nature Communications 2026 (average performance drop).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe
from .confounders.association import cramers_v
from .probes import fit_logistic, unit_of
from .robustness import performance_drop

#: Cramér's V of the training sets, and how often each is drawn.
STEPS, REPEATS = (0.0, 0.25, 0.5, 0.75, 1.0), 10
#: A training set's size is a multiple of this: then every step's counts are whole. Its smallest and largest size.
WHOLE, LEAST, MOST = 16, 32, 256
#: Test samples of each label at each site: this share of the rarest of the four, and a minimum.
TESTED, FEWEST = 0.2, 5
#: Labels, and sites, that the four are chosen from: the commonest, as many sites make too many combinations.
COMMONEST = 12
COLUMNS = ["labels", "sites", "v_asked", "v", "n_train", "n_test", "repeats", "accuracy", "sd"]


@dataclass(frozen=True)
class Square:
    """Two labels and two sites, and samples (int positions) of each: cells[i][j] of label i at site j; n: size of the
    training sets, 0 where none can be drawn; tested: test samples of each cell."""

    labels: tuple[str, str]
    sites: tuple[str, str]
    cells: tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    n: int
    tested: int


def sizes_of(counts: np.ndarray) -> tuple[int, int]:
    """Size of the training sets and test samples of a cell, of counts (int 2 x 2) whose diagonal goes together.

    At V = 1 the diagonal has to hold half of the set each, at V = 0 the other two a quarter; 0 where it is too small.
    """
    tested = max(FEWEST, int(TESTED * counts.min()))
    on_diagonal, off_diagonal = min(counts[0, 0], counts[1, 1]) - tested, min(counts[0, 1], counts[1, 0]) - tested
    size = min(2 * on_diagonal, 4 * off_diagonal, MOST) // WHOLE * WHOLE
    return (int(size), tested) if size >= LEAST else (0, tested)


def choose_square(labels: np.ndarray, sites: np.ndarray) -> Square | None:
    """The four of labels and sites (str N) that allow the largest training sets, the first by name among equals.

    None where there are fewer than two labels or sites. Either pairing of labels with sites is tried.
    """
    common_labels, common_sites = commonest(labels), commonest(sites)
    best: Square | None = None
    for pair in combinations(common_labels, 2):
        for first, second in combinations(common_sites, 2):
            for places in ((first, second), (second, first)):
                cells = [[np.flatnonzero((labels == a) & (sites == b)) for b in places] for a in pair]
                n, tested = sizes_of(np.array([[len(cell) for cell in row] for row in cells]))
                if best is None or n > best.n:
                    best = Square(pair, places, ((cells[0][0], cells[0][1]), (cells[1][0], cells[1][1])), n, tested)
    return best


def commonest(values: np.ndarray) -> list[str]:
    """The COMMONEST of some words (str N), sorted by name."""
    names, counts = np.unique(values, return_counts=True)
    return sorted(names[np.argsort(-counts, kind="stable")[:COMMONEST]].tolist())


def draw_sets(square: Square, rng: np.random.Generator) -> tuple[list[np.ndarray], np.ndarray]:
    """Training sets (int positions, one per step) and the test samples of one draw; a step keeps what it can."""
    shuffled = [[rng.permutation(cell) for cell in row] for row in square.cells]
    test = np.concatenate([cell[: square.tested] for row in shuffled for cell in row])
    sets = []
    for v in STEPS:
        on_diagonal, off_diagonal = round(square.n * (1 + v) / 4), round(square.n * (1 - v) / 4)
        sizes = ((on_diagonal, off_diagonal), (off_diagonal, on_diagonal))
        parts = [
            cell[square.tested : square.tested + size]
            for row, row_sizes in zip(shuffled, sizes, strict=True)
            for cell, size in zip(row, row_sizes, strict=True)
        ]
        sets.append(np.concatenate(parts))
    return sets, test


def climb(
    x: np.ndarray, labels: Sequence[str], sites: Sequence[str], cases: Sequence[str], settings: Probe
) -> tuple[float, str, pd.DataFrame]:
    """Average performance drop (0: none; nan: undefined), why it is undefined ('' where it isn't), and the ladder.

    x: float N x D; label, site and case of each sample: of a case one sample is drawn, so that none is on both sides.
    The probe is the frozen logistic one, its score the accuracy over test samples, all four groups counting alike. The
    ladder has COLUMNS, a row per step; accuracy: mean of the draws, sd: over draws.
    """
    empty = pd.DataFrame(columns=COLUMNS)
    chosen = one_per_case(cases, settings["seed"])
    label, site = np.asarray(labels, str), np.asarray(sites, str)
    square = choose_square(label[chosen], site[chosen])
    if square is None:
        return float("nan"), "cannot: n: fewer than two labels or two sites", empty
    if not square.n:
        return float("nan"), too_few(square), empty
    accuracies, counted = np.zeros((len(STEPS), REPEATS)), []
    for repeat in range(REPEATS):
        sets, test = draw_sets(square, np.random.default_rng([settings["seed"], 29, repeat]))
        y = label == square.labels[1]
        for step, train in enumerate(sets):
            accuracies[step, repeat] = accuracy(x, y.astype(int), chosen[train], chosen[test], settings)
        counted = [count(label[chosen[train]], site[chosen[train]]) for train in sets]
    rows: list[dict[str, Any]] = [
        {
            **{"labels": " | ".join(square.labels), "sites": " | ".join(square.sites), "v_asked": target_v},
            **{"v": cramers_v(counts)[0], "n_train": square.n, "n_test": 4 * square.tested, "repeats": REPEATS},
            **{"accuracy": step_accuracies.mean(), "sd": step_accuracies.std(ddof=1)},
        }
        for target_v, counts, step_accuracies in zip(STEPS, counted, accuracies, strict=True)
    ]
    ladder = pd.DataFrame(rows, columns=COLUMNS)
    if not (accuracies[0] > 0).all():
        return float("nan"), "cannot: a first step's accuracy is 0", ladder
    return performance_drop(accuracies), "", ladder


def one_per_case(cases: Sequence[str], seed: int) -> np.ndarray:
    """Positions (int, sorted) of one sample of each case, drawn by the seed."""
    order = np.random.default_rng([seed, 28]).permutation(len(cases))
    return np.asarray(np.sort(order[np.unique(np.asarray(cases, str)[order], return_index=True)[1]]))


def accuracy(x: np.ndarray, y: np.ndarray, train: np.ndarray, test: np.ndarray, settings: Probe) -> float:
    """Share of test samples that the probe gets right; both labels are equally many."""
    unit = unit_of(x[train], settings["scale"])
    probabilities = fit_logistic(x[train] / unit, y[train], x[test] / unit, 2, settings)
    return float((probabilities.argmax(1) == y[test]).mean())


def count(labels: np.ndarray, sites: np.ndarray) -> np.ndarray:
    """Table of counts (int labels x sites)."""
    return pd.crosstab(labels, sites).to_numpy()


def too_few(square: Square) -> str:
    """Why no training set can be drawn, with the counts of the best four."""
    counts = "; ".join(
        f"{label} at {site}: {len(cell)}"
        for label, row in zip(square.labels, square.cells, strict=True)
        for site, cell in zip(square.sites, row, strict=True)
    )
    return f"cannot: n: no two labels and two sites have cases for training sets of {LEAST} ({counts})"
