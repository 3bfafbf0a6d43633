"""Embeddings from an h5ad, read with h5py alone: a job of a second must not spend two on importing anndata."""

from __future__ import annotations

import numpy as np

from ..common.files import open_h5


def read_embeddings(path: str) -> tuple[list[str], np.ndarray]:
    """Ids (obs names) and X (float32 N x D) of slides.h5ad or cases.h5ad."""
    with open_h5(path) as handle:
        obs = handle["obs"]
        index = obs.attrs["_index"]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in obs[index][:]], handle["X"][:]
