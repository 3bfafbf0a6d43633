"""Which of a slide's patches are unlike any patch of the training slides.

A patch is described by a random projection of its features (Johnson and Lindenstrauss), for axes fitted on the training
slides would make these look nearer than new ones; its distance is that to the nearest of a bank of training patches, of
other cases where the patch is a training one itself.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Sampled patches per slide, projected dimensions, and patches of the bank.
PER_SLIDE, NUMBERS, BANK = 64, 64, 5000
#: Sampled cases, where there are more.
CASES = 1000
#: Share of training patches, their own case left out, that are nearer to the bank than a patch unlike any.
LIKE = 0.99


def sample_rows(slide_id: str, count: int, seed: int) -> np.ndarray:
    """Which of a slide's `count` patches are sampled: the same for the same slide, sorted."""
    rng = np.random.default_rng([seed, zlib.crc32(slide_id.encode())])
    return np.sort(rng.choice(count, min(count, PER_SLIDE), replace=False))


def projection(width: int, seed: int) -> np.ndarray:
    """float32 width x NUMBERS, by which lengths stay as they are on average."""
    return np.random.default_rng(seed).normal(0, NUMBERS**-0.5, (width, NUMBERS)).astype(np.float32)


@dataclass(frozen=True)
class PatchKinds:
    """projection: float32 W x NUMBERS; bank: float32 B x NUMBERS; limit: distance above which a patch is unlike
    any; seed: of the choice of a slide's patches.
    """

    projection: np.ndarray
    bank: np.ndarray
    limit: float
    seed: int

    def look(self, slide_id: str, patches: np.ndarray) -> tuple[float, float, float]:
        """Share of a slide's patches (float N x W) that are unlike any, their median distance, and their `apart`; NaN
        of none.

        Raises ValueError where they have another width, or are not finite.
        """
        if patches.ndim != 2 or patches.shape[1] != len(self.projection):
            raise ValueError(
                f"slide {slide_id}: its patches are {patches.shape}, and those of the training slides have "
                f"{len(self.projection)} numbers: take the predictor's own encoder"
            )
        if not len(patches):
            return np.nan, np.nan, np.nan
        rows = patches[sample_rows(slide_id, len(patches), self.seed)].astype(np.float32)
        if not np.isfinite(rows).all():
            raise ValueError(f"slide {slide_id}: its patches hold NaN or infinite numbers: extract them again")
        rows = rows @ self.projection
        distances = nearest(rows, self.bank)
        return float((distances > self.limit).mean()), float(np.median(distances)), apart(rows)


def nearest(rows: np.ndarray, bank: np.ndarray, ignored: np.ndarray | None = None) -> np.ndarray:
    """Distance (float32 N) of each row to the nearest of the bank; ignored: bool B, those that don't count."""
    squares = rows @ bank.T
    squares *= -2
    squares += np.einsum("ij,ij->i", bank, bank)
    if ignored is not None:
        squares[:, ignored] = np.inf
    return np.asarray(np.sqrt(np.maximum(squares.min(1) + np.einsum("ij,ij->i", rows, rows), 0)))


def apart(rows: np.ndarray) -> float:
    """Median distance of a slide's projected patches (float N x NUMBERS) to the nearest other one; NaN of one alone.

    It sees what no distance from other slides does: features that a blur, or a scanner, draws together.
    """
    squares = ((rows[:, None] - rows[None]) ** 2).sum(2)
    np.fill_diagonal(squares, np.inf)
    return float(np.median(np.sqrt(squares.min(1)))) if len(rows) > 1 else float("nan")


def fit_kinds(
    slides: Sequence[tuple[int, np.ndarray]], matrix: np.ndarray, seed: int
) -> tuple[PatchKinds, np.ndarray, np.ndarray]:
    """Kinds of patches of the training slides, and the share and median distance of each slide (float64 S), its case
    left out.

    slides: number of the case, and projected patches (float32 N x NUMBERS, N > 0) of each of S slides, of two cases or
    more.
    """
    owners = np.concatenate([np.full(len(rows), case) for case, rows in slides])
    all_rows = np.concatenate([rows for _, rows in slides])
    chosen = np.sort(np.random.default_rng(seed).choice(len(all_rows), min(len(all_rows), BANK), replace=False))
    bank, owner = all_rows[chosen], owners[chosen]
    if len(np.unique(owner)) < 2:
        raise ValueError("patches of one case alone: there are no others to compare them with")
    distances = [nearest(rows, bank, owner == case).astype(np.float64) for case, rows in slides]
    pooled = np.concatenate(distances)
    limits = {case: float(np.quantile(pooled[owners != case], LIKE)) for case in np.unique(owners).tolist()}
    shares = [
        float((slide_distances > limits[case]).mean())
        for (case, _), slide_distances in zip(slides, distances, strict=True)
    ]
    medians = [float(np.median(slide_distances)) for slide_distances in distances]
    kinds = PatchKinds(matrix, bank, float(np.quantile(pooled, LIKE)), seed)
    return kinds, np.array(shares), np.array(medians)
