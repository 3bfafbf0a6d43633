"""Robustness indices: is an embedding's neighbour like it in biology, or in where it comes from?

Of a sample's neighbours by cosine distance, those of its own group (a case) left out, SO has the same label from
another site, OS another label from the same site. As PathoROB (Nature Communications 2026) and croma 1.0.1
(Apache-2.0, arXiv 2607.25497) define them, over all samples; equal to croma's to 1e-9 (tests/unit/probe).

The package itself is not used: its CRoMa refuses a whole cohort where one sample of 1,000 lacks five neighbours of a
type (here that sample has no margin, and is counted), and it takes 3.2 times as long (0.39 s for 0.12 s, 1,000 x 1,024
numbers, one core).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Neighbours of each type that a margin is the mean of, and the share of samples that are its worst tail: croma's.
NEAREST, TAIL = 5, 0.1


@dataclass(frozen=True)
class Indices:
    """Robustness of an embedding. n: samples; ri, mari: 0 (the site decides) to 1 (the label does), nan where no
    neighbour is SO or OS; tau: temperature of mari, the median distance of those neighbours; k: neighbours compared;
    croma: median margin, -1 to 1, below 0 where the site decides; tail: mean of its worst TAIL; site_first: share of
    margins up to 0; n_margins: samples that have one; others lack NEAREST neighbours of a type."""

    n: int
    k: int
    ri: float
    mari: float
    tau: float
    croma: float
    tail: float
    site_first: float
    n_margins: int


def robustness(
    x: np.ndarray, labels: Sequence[str], sites: Sequence[str], groups: Sequence[str], k: int, tau: float | None = None
) -> Indices:
    """Indices of embeddings x (float N x D) with a label, a site and a group each.

    k: neighbours of RI and MaRI; tau: None takes the median distance. Raises ValueError where lengths differ, a number
    isn't finite or an embedding is 0 and so has no direction.
    """
    if not len(x) == len(labels) == len(sites) == len(groups):
        raise ValueError(f"{len(x)} embeddings, {len(labels)} labels, {len(sites)} sites, {len(groups)} groups")
    lengths = np.linalg.norm(x.astype(np.float64), axis=1)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        raise ValueError(
            f"embedding {int(np.flatnonzero(~(lengths > 0) | ~np.isfinite(lengths))[0])} is 0 or not finite"
        )
    distance, is_so, is_os = typed(x / lengths[:, None], labels, sites, groups)
    near = nearest(distance, k)
    distances = [distance[near & kind] for kind in (is_so, is_os)]
    scale = float(np.median(np.concatenate(distances))) if len(distances[0]) + len(distances[1]) else float("nan")
    chosen = scale if tau is None else tau
    so, os = (np.exp(-part / chosen).sum() if chosen > 0 else float(len(part)) for part in distances)
    margins = margins_of(distance, is_so, is_os, NEAREST)
    good = margins[np.isfinite(margins)]
    return Indices(
        len(x),
        k,
        ratio(len(distances[0]), len(distances[1])),
        ratio(so, os),
        chosen,
        float(np.median(good)) if len(good) else float("nan"),
        worst(good, TAIL),
        float((good <= 0).mean()) if len(good) else float("nan"),
        len(good),
    )


def typed(
    x: np.ndarray, labels: Sequence[str], sites: Sequence[str], groups: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cosine distances (float N x N, infinite within a group) of rows of length 1, and which pairs are SO and OS."""
    label, site, group = (np.asarray(words, str) for words in (labels, sites, groups))
    distance = np.maximum(1 - x @ x.T, 0)
    other = group[:, None] != group
    distance[~other] = np.inf
    alike, near = label[:, None] == label, site[:, None] == site
    return distance, other & alike & ~near, other & ~alike & near


def nearest(distance: np.ndarray, k: int) -> np.ndarray:
    """Which are the k nearest of each row (bool N x N), by position among equals; fewer where fewer are finite."""
    order = np.argsort(distance, axis=1, kind="stable")[:, :k]
    is_near = np.zeros(distance.shape, bool)
    np.put_along_axis(is_near, order, True, axis=1)
    return is_near & np.isfinite(distance)


def margins_of(distance: np.ndarray, is_so: np.ndarray, is_os: np.ndarray, m: int) -> np.ndarray:
    """(d_OS - d_SO) / (d_OS + d_SO) of each sample's mean distances to its m nearest SO and OS (float N, nan: none)."""
    if m > len(distance):
        return np.full(len(distance), np.nan)
    so, os = (np.sort(np.where(kind, distance, np.inf), axis=1)[:, :m].mean(1) for kind in (is_so, is_os))
    fine = np.isfinite(so) & np.isfinite(os) & (so + os > 0)
    so, os = np.where(fine, so, 1), np.where(fine, os, 1)
    return np.asarray(np.divide(os - so, os + so, out=np.full(len(so), np.nan), where=fine))


def ratio(so: float, os: float) -> float:
    """Share of SO; nan where there is neither."""
    return float(so / (so + os)) if so + os > 0 else float("nan")


def worst(values: np.ndarray, share: float) -> float:
    """Mean of values up to their quantile `share`; nan where there are none."""
    return float(values[values <= np.percentile(values, 100 * share)].mean()) if len(values) else float("nan")


def performance_drop(accuracies: np.ndarray) -> float:
    """PathoROB's average performance drop of balanced accuracies (float steps x repeats); 0: none, -1: all is lost.

    The first step is trained with label and site apart, each further one with both closer together; all are tested on
    cases that have them apart. The mean over further steps and repeats of accuracy over that of the first, minus 1.
    Raises ValueError with fewer than two steps, or a first accuracy of 0.
    """
    if accuracies.ndim != 2 or len(accuracies) < 2 or not (accuracies[0] > 0).all():
        raise ValueError("give accuracies of a first step above 0 and of further ones, a column for each repeat")
    return float((accuracies[1:] / accuracies[0]).mean() - 1)
