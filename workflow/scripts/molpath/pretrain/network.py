"""The branches of a run together, how they are described in config.json, and how they come back from files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..common.files import atomic_path
from .hub import fetched
from .molecular_encoders import DnaEncoder, RnaEncoder, RnaMlp
from .slide_encoder import SlideEncoder
from .slide_transformer import SlideTransformer

SLIDE_ENCODERS = {"abmil": SlideEncoder, "transformer": SlideTransformer}


class Threads(nn.Module):
    """Slide encoder and the molecular branches a run has, all giving embeddings of one width.

    description: dict with `slide_encoder` and, where the branch exists, `rna_encoder` (with `vocabulary`) and
    `dna_encoder` (with `flags`): what config.json of a run holds.
    """

    def __init__(self, description: Mapping[str, Any]):
        super().__init__()
        slide, rna, dna = (description.get(f"{name}_encoder") for name in ("slide", "rna", "dna"))
        self.width = slide["output"]
        kind = slide.get("kind", "abmil")
        self.slide = SLIDE_ENCODERS[kind](**{key: value for key, value in slide.items() if key != "kind"})
        self.rna = self.dna = None
        if rna and rna.get("kind", "scgpt") == "scgpt":
            sizes = {key: rna[key] for key in ("width", "layers", "heads", "feedforward", "dropout")}
            self.rna = RnaEncoder(len(rna["vocabulary"]), output=self.width, **sizes)
        elif rna:
            sizes = {key: rna[key] for key in ("width", "layers", "dropout")}
            self.rna = RnaMlp(len(rna["vocabulary"]), output=self.width, **sizes)
        if dna:
            sizes = {key: dna[key] for key in ("hidden", "layers", "dropout")}
            self.dna = DnaEncoder(len(dna["flags"]), output=self.width, **sizes)

    def branches(self) -> dict[str, nn.Module]:
        """The branches that this network has, by name."""
        return dict(self.named_children())


def build(description: Mapping[str, Any], seed: int) -> Threads:
    """A network with random weights that follow from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Threads(description)


def save(tensors: Mapping[str, torch.Tensor], path: str) -> None:
    """Write the state dict of a network as safetensors."""
    from safetensors.torch import save as as_bytes

    tensors = {name: value.detach().cpu().contiguous() for name, value in sorted(tensors.items())}
    with atomic_path(path) as temporary:
        temporary.write_bytes(as_bytes(tensors))


def load(folder: str, revision: str | None = None) -> tuple[Threads, dict[str, Any]]:
    """The network of a run's folder, from model.safetensors and config.json and nothing else, in evaluation mode.

    A name user/model that is no folder is taken from the Hugging Face hub, at `revision`.
    """
    from safetensors.torch import load_file

    here = Path(folder).is_dir() or folder.count("/") != 1
    path = Path(folder if here else fetched(folder, revision))
    description = json.loads((path / "config.json").read_text())
    network = Threads(description)
    network.load_state_dict(load_file(path / "model.safetensors"))
    return network.eval(), description
