"""The branches of a run together, how they are described in config.json, and how they come back from files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..common.files import atomic_path
from .molecular_encoders import DnaEncoder, RnaEncoder
from .slide_encoder import SlideEncoder


class Threads(nn.Module):
    """Slide encoder and the molecular branches a run has, all giving embeddings of one width.

    description: dict with `slide_encoder` and, where the branch exists, `rna_encoder` (with `vocabulary`) and
    `dna_encoder` (with `flags`): what config.json of a run holds.
    """

    def __init__(self, description: Mapping[str, Any]):
        super().__init__()
        output = description["slide_encoder"]["output"]
        self.slide = SlideEncoder(**description["slide_encoder"])
        rna, dna = description.get("rna_encoder"), description.get("dna_encoder")
        self.rna = self.dna = None
        if rna:
            sizes = {key: rna[key] for key in ("width", "layers", "heads", "feedforward", "dropout")}
            self.rna = RnaEncoder(len(rna["vocabulary"]), output=output, **sizes)
        if dna:
            sizes = {key: dna[key] for key in ("hidden", "layers", "dropout")}
            self.dna = DnaEncoder(len(dna["flags"]), output=output, **sizes)


def build(description: Mapping[str, Any], seed: int) -> Threads:
    """A network with random weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Threads(description)


def save(network: Threads, path: str) -> None:
    """Write all branches as safetensors."""
    from safetensors.torch import save as as_bytes

    tensors = {name: value.contiguous() for name, value in sorted(network.state_dict().items())}
    with atomic_path(path) as temporary:
        temporary.write_bytes(as_bytes(tensors))


def load(folder: str) -> tuple[Threads, dict[str, Any]]:
    """The network of a run's folder, from model.safetensors and config.json and nothing else, in evaluation mode."""
    from safetensors.torch import load_file

    description = json.loads((Path(folder) / "config.json").read_text())
    network = Threads(description)
    network.load_state_dict(load_file(Path(folder) / "model.safetensors"))
    return network.eval(), description
