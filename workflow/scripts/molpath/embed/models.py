"""What turns a bag of patches into one vector, by the `kind` of a model."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from ..common.kinds import WITH_COORDS
from ..common.settings.embed import Model
from .bags import Bags, union

#: Vector and number of the patches of some slides together.
Embed = Callable[[Sequence[str]], tuple[np.ndarray, int]]


def get_embed(model: Model, source: str, threads: int, bags: Bags) -> Embed:
    """What a model makes of slides of `bags`: their mean, the embedding by the slide encoder of a trained run
    (`source`: its config.json), by a random one, or by one of others (`source`: its weights).

    A random model has `slide_encoder` (its sizes) and `seed`; the width of its input is that of the first bag. All but
    those of others take patches in blocks, so that memory doesn't grow with a bag.
    """
    if model["kind"] == "mean":
        return lambda slides: mean_of(bags.blocks(slides))
    # Imported here: mean pooling starts without torch.
    import torch

    torch.set_num_threads(threads)
    if model["kind"] in ("threads", "random"):
        return by_own_encoder(model, source, bags)
    from .foreign import get_foreign

    foreign = get_foreign(model, source)

    def embed(slides: Sequence[str]) -> tuple[np.ndarray, int]:
        bag = union([bags.read(slide, model["kind"] in WITH_COORDS) for slide in slides])
        return foreign(bag), len(bag.features)

    return embed


def by_own_encoder(model: Model, source: str, bags: Bags) -> Embed:
    """The slide encoder of a run, or one with random weights."""
    import torch

    from ..pretrain.network import build, load

    trained = load(str(Path(source).parent))[0] if model["kind"] == "threads" else None

    @functools.cache
    def network(width: int):
        if trained:
            return trained
        return build({"slide_encoder": {**model["slide_encoder"], "input": width}}, model["seed"]).eval()

    @torch.inference_mode()
    def embed(slides: Sequence[str]) -> tuple[np.ndarray, int]:
        blocks = bags.blocks(slides)
        first = next(blocks)
        count = 0

        def counted() -> Iterator[torch.Tensor]:
            nonlocal count
            for block in chain([first], blocks):
                count += len(block)
                yield torch.from_numpy(block)

        vector = network(first.shape[1]).slide.embed_blocks(counted())
        return vector.float().numpy(), count

    return embed


def mean_of(blocks: Iterable[np.ndarray]) -> tuple[np.ndarray, int]:
    """Arithmetic mean of patch vectors (float32 D), the paper's baseline, and their number."""
    sums, count = np.zeros(1), 0
    for block in blocks:
        sums, count = sums + block.sum(0, dtype=np.float64), count + len(block)
    return (sums / count).astype(np.float32), count
