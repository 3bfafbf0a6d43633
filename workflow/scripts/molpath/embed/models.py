"""Functions that turn a bag of patches into one vector, by the `kind` of a model."""

from __future__ import annotations

import functools
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import fingerprint
from ..common.kinds import WITH_COORDS
from ..common.settings.embed import Model
from .bags import Bags, check_width, union

log = logging.getLogger(__name__)

#: Vector and number of the patches of some slides together.
Embed = Callable[[Sequence[str]], tuple[np.ndarray, int]]


#: Keys of a model that hold names and paths; its patches and files count by contents.
NAMES = ("name", "run", "path", "grid", "encoder", "weights")


def identity_of(model: Model, sources: Sequence[str]) -> list[Any]:
    """What determines a model's embeddings of given patches, for stamps: settings and contents of its files, no names.

    For a run these are its slide encoder's sizes and the weights; the rest of config.json doesn't matter.
    """
    settings = {key: value for key, value in model.items() if key not in NAMES}
    if model["kind"] == "threads":
        config = Path(sources[0])
        sizes = json.loads(config.read_text(encoding="utf-8"))["slide_encoder"]
        return [settings, sizes, fingerprint(config.with_name("model.safetensors"))]
    return [settings, *map(fingerprint_of, sources)]


def fingerprint_of(path: str) -> list[str]:
    """Fingerprint of a file, or of the files of a folder."""
    files = (
        [Path(path)] if Path(path).is_file() else sorted(entry for entry in Path(path).rglob("*") if entry.is_file())
    )
    return [fingerprint(file) for file in files]


@contextmanager
def get_embed(model: Model, source: str, threads: int, bags: Bags, promised: bool = False) -> Iterator[Embed]:
    """What a model makes of slides of `bags`: their mean, the embedding by the slide encoder of a trained run
    (`source`: its config.json), by a random one, or by one of others (`source`: its weights).

    Those of others are computed on a GPU that no other job of this machine holds, where there is one; promised: this
    job has one, and ends with NoGpu where it can't be used. A random model has `slide_encoder` (its sizes) and `seed`;
    the width of its input is that of the first bag. All but those of others take patches in blocks, so that memory
    doesn't grow with the bag.
    """
    if model["kind"] == "mean":
        yield lambda slides: mean_of(bags.blocks(slides))
        return
    # Imported here: mean pooling starts without torch.
    import torch

    torch.set_num_threads(threads)
    if model["kind"] in ("threads", "random"):
        yield by_own_encoder(model, source, bags)
        return
    from ..common.devices import take_device
    from .foreign import get_foreign

    with take_device(promised) as device:
        log.info("%s runs on %s", model["kind"], device)
        foreign = get_foreign(model, source, device)

        def embed(slides: Sequence[str]) -> tuple[np.ndarray, int]:
            slide_bags = [bags.read(slide, model["kind"] in WITH_COORDS) for slide in slides]
            for slide, bag_of_slide in zip(slides, slide_bags, strict=True):
                width, first = bag_of_slide.features.shape[1], slide_bags[0].features.shape[1]
                check_width(slide, bags.rows[slide]["file"], width, first, f"slide {slides[0]} before it has")
            bag = union(slide_bags)
            return foreign(bag), len(bag.features)

        yield embed


def by_own_encoder(model: Model, source: str, bags: Bags) -> Embed:
    """The slide encoder of a run, or one with random weights."""
    import torch

    from ..pretrain.network import Threads, build, load

    trained: Threads | None = None
    reader, width = "", 0
    if model["kind"] == "threads":
        trained, description = load(folder := str(Path(source).parent))
        width = description["slide_encoder"]["input"]
        reader = f"the run in {folder} reads patches of encoder {description.get('encoder', '(unknown)')}, which have"

    @functools.cache
    def network(width: int):
        if trained:
            return trained
        return build({"slide_encoder": {**model["slide_encoder"], "input": width}}, model["seed"]).eval()

    @torch.inference_mode()
    def embed(slides: Sequence[str]) -> tuple[np.ndarray, int]:
        blocks = bags.blocks(slides, width, reader)
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
