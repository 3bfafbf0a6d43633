"""Two coordinates for a picture of embeddings."""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

#: Distances of embeddings within these ends fit into float32, as scikit-learn has them; others end its process.
USUAL = (1e-12, 1e12)


def tsne(x: np.ndarray, seed: int) -> np.ndarray:
    """Two t-SNE coordinates (float32 N x 2): perplexity 30 (less for few samples), started from PCA."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    if len(x) < 4:
        return np.zeros((len(x), 2), np.float32)
    x = x.astype(np.float64) - x.mean(0, dtype=np.float64)
    largest = np.abs(x).max(initial=0)
    if largest == 0:  # a collapsed model: one point
        return np.zeros((len(x), 2), np.float32)
    if not USUAL[0] < largest < USUAL[1]:
        x /= largest
    with threadpool_limits(1):
        x = PCA(min(50, *x.shape), svd_solver="full").fit_transform(x)
        perplexity = min(30.0, (len(x) - 1) / 3)
        return TSNE(init="pca" if x.shape[1] > 1 else "random", perplexity=perplexity, random_state=seed).fit_transform(
            x
        )
