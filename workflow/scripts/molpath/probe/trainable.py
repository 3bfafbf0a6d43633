"""Slide encoders that can be trained on a task, with a linear head on their embedding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import nn

from ..common.kinds import TUNABLE
from ..common.settings.embed import Model
from ..embed.foreign import ChiefPooling, filled
from ..pretrain.network import build, load

#: Kinds of models that are fine-tuned; the last is trained from scratch.
KINDS = (*TUNABLE, "abmil")


class Abmil(nn.Module):
    """The supervised baseline: attention-based multiple-instance learning with one head that is not gated.

    Sizes as in section 7.10: Linear, GELU, dropout 0.1; scores by Linear to 512, tanh, dropout 0.25, Linear to 1; the
    pooled vector passes Linear, GELU, dropout 0.1. 1,575,425 parameters at 768 numbers per patch.
    """

    def __init__(self, width: int = 768, hidden: int = 512, dropout: float = 0.1, attention_dropout: float = 0.25):
        super().__init__()
        self.before = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout))
        self.score = nn.Sequential(
            nn.Linear(width, hidden), nn.Tanh(), nn.Dropout(attention_dropout), nn.Linear(hidden, 1)
        )
        self.after = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout))

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """patches: float N x width; returns width."""
        hidden = self.before(patches)
        shares = torch.softmax(self.score(hidden).squeeze(-1).float(), 0)
        return self.after(shares.to(hidden.dtype) @ hidden)


class Classifier(nn.Module):
    """A slide encoder and one linear layer on its embedding."""

    def __init__(self, encoder: nn.Module, width: int, outputs: int):
        super().__init__()
        self.encoder, self.head = encoder, nn.Linear(width, outputs)

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """patches: float N x D of one bag; returns float32 outputs."""
        return self.head(self.encoder(patches).reshape(-1)).float()


def encoder_of(model: Model, sources: Sequence[str], width: int) -> tuple[nn.Module, int]:
    """A slide encoder by the `kind` of the model, and the width of its embedding.

    threads: weights beside `sources[0]` (config.json of a run); random: the sizes `slide_encoder`, weights by `seed`;
    chief: weights in `sources[0]`; abmil: weights by torch's random state. width: numbers per patch.
    """
    if model["kind"] == "threads":
        network = load(str(Path(sources[0]).parent))[0]
        return network.slide, network.width
    if model["kind"] == "random":
        network = build({"slide_encoder": {**model["slide_encoder"], "input": width}}, model["seed"])
        return network.slide, network.width
    if model["kind"] == "chief":
        pooling = filled(ChiefPooling(), str(sources[0]))
        return pooling, 768
    if model["kind"] == "abmil":
        return Abmil(width), width
    raise ValueError(f"a model of kind {model['kind']} can't be fine-tuned; these can: {', '.join(KINDS)}")


def builder(model: Model, sources: Sequence[str], width: int, outputs: int) -> Callable[[], Classifier]:
    """A function that makes the untrained classifier; its random weights follow torch's random state."""

    def make() -> Classifier:
        encoder, size = encoder_of(model, sources, width)
        return Classifier(encoder, size, outputs)

    return make
