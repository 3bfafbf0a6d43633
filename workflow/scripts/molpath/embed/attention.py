"""Attention of a trained slide encoder over the patches of slides named in the config."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ..common.files import new_h5
from ..pretrain.network import load
from .bags import Bags, check_width
from .evenness import effective_number

log = logging.getLogger(__name__)


@torch.inference_mode()
def write_attention(
    *, slides: Sequence[str], manifests: Sequence[str], run_folder: str, wsi: str, output: str, threads: int = 1
) -> None:
    """Write a group per slide: `attention` (float32 heads x N, each head adds up to 1) and `coords` (int64 N x 2,
    level-0 pixels, top left) with the patch's level-0 edge as attribute `patch_size_level0`. Attribute
    `effective_patches` of attention: each head's effective number of patches.

    Slides that were set aside are left out and logged. Raises ValueError if the run has a slide encoder
    without attention over patches (`kind: transformer`).
    """
    torch.set_num_threads(threads)
    network, description = load(run_folder)
    attention_weights: Callable[[torch.Tensor], torch.Tensor] | None
    attention_weights = getattr(network.slide, "attention_weights", None)
    if attention_weights is None:
        raise ValueError(f"the slide encoder of {run_folder} has no attention over patches; take the model out")
    encoder, width = description.get("encoder", "(unknown)"), description["slide_encoder"]["input"]
    reader = f"the run in {run_folder} reads patches of encoder {encoder}, which have"
    bags = Bags(manifests, wsi)
    bags.check_weights(str(Path(run_folder) / "config.json"), [slide for slide in slides if slide in bags])
    with new_h5(output) as handle:
        for slide_id in slides:
            if slide_id not in bags:
                log.warning("%s was set aside: no attention", slide_id)
                continue
            if not bags.is_placed(slide_id):
                log.warning("%s: no attention, its features have no patch coordinates", slide_id)
                continue
            bag = bags.read(slide_id, with_coords=True)
            check_width(slide_id, bags.rows[slide_id]["file"], bag.features.shape[1], width, reader)
            group = handle.create_group(slide_id)
            group["attention"] = shares = attention_weights(torch.from_numpy(bag.features)).numpy()
            group["attention"].attrs["effective_patches"] = effective_number(shares)
            group["coords"] = bag.coords
            group["coords"].attrs["patch_size_level0"] = bag.edge
