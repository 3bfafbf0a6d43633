"""What turns a bag of patches into one vector, by the `kind` of a model."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..common.files import read_tsv
from ..common.settings.embed import Model
from .bags import Bag

Pool = Callable[[Bag], np.ndarray]


def mean_pool(bag: Bag) -> np.ndarray:
    """Arithmetic mean of patch vectors (float32 D), the paper's baseline."""
    return bag.features.mean(0, dtype=np.float64).astype(np.float32)


def get_pool(model: Model, source: str, threads: int) -> Pool:
    """The pooling of a model: mean, the slide encoder of a trained run (`source`: its config.json), a random one, or
    one of others (`source`: its weights).

    A random model has `slide_encoder` (its sizes) and `seed`; the width of its input is that of the first bag.
    """
    if model["kind"] == "mean":
        return mean_pool
    # Imported here: mean pooling starts without torch.
    import torch

    from ..pretrain.network import build, load

    torch.set_num_threads(threads)
    if model["kind"] not in ("threads", "random"):
        from .foreign import get_foreign

        return get_foreign(model, source)
    trained = load(str(Path(source).parent))[0] if model["kind"] == "threads" else None

    @functools.cache
    def network(width: int):
        if trained:
            return trained
        return build({"slide_encoder": {**model["slide_encoder"], "input": width}}, model["seed"]).eval()

    def pool(bag: Bag) -> np.ndarray:
        with torch.inference_mode():
            return network(bag.features.shape[1]).slide(torch.from_numpy(bag.features))[0].float().numpy()

    return pool


def read_vectors(path: str) -> dict[str, np.ndarray]:
    """Vectors by case of a `table` model: every numeric column beside case_id, float32."""
    table = read_tsv(path).set_index("case_id")
    return dict(zip(table.index, table.astype(np.float32).to_numpy(), strict=True))
