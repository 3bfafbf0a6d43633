"""The branches of a run together, how config.json describes them and how they come back from files; slide encoders.

The slide encoder of Threads is gated-attention multiple-instance learning with several heads (Vaidya et al.,
arXiv 2501.16652, methods and extended data): 4,993,025 / 11,290,626 / 19,687,428 / 28,084,230 parameters with
1 / 2 / 4 / 6 heads at the paper's sizes, which fixes the list of layers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from ..common.files import atomic_path
from .artefacts import check_digests, fetched
from .description import Description, SlideSection
from .layers import GatedAttention, Hidden
from .molecular_encoders import DnaEncoder, RnaEncoder, RnaMlp, without_fast_path
from .segments import bag_groups, segment_softmax, segment_sum

Branch = Literal["slide", "rna", "dna"]

#: Rows that a CPU takes through the network at once, whole bags together: their temporaries stay in its cache.
CPU_ROWS = 4096


class SlideEncoder(nn.Module):
    """Bags of patch features to one embedding each.

    Patches pass `layers` hidden layers (Linear, LayerNorm, GELU, Dropout); with several heads one more layer splits
    them into a vector per head (contiguous chunks); each head pools its vectors by softmax attention; heads are
    concatenated and mapped to `output`. With one head the pooled vector is the embedding and `output` must be
    `hidden`.
    """

    def __init__(
        self,
        input: int,
        hidden: int = 1024,
        layers: int = 3,
        heads: int = 2,
        output: int = 1024,
        dropout: float = 0.1,
        attention_dropout: float = 0.25,
    ):
        super().__init__()
        if heads == 1 and output != hidden:
            raise ValueError(f"with one head the embedding has the hidden width {hidden}, not {output}")
        widths = [input] + [hidden] * layers
        blocks = [
            Hidden(nn.Linear(a, b), nn.LayerNorm(b), nn.GELU(), nn.Dropout(dropout))
            for a, b in zip(widths, widths[1:], strict=False)
        ]
        self.before = nn.Sequential(*blocks)
        split = (nn.Linear(hidden, heads * hidden), nn.GELU(), nn.Dropout(dropout))
        self.split = Hidden(*split) if heads > 1 else nn.Identity()
        self.attention = nn.ModuleList(GatedAttention(hidden, attention_dropout) for _ in range(heads))
        self.after = nn.Linear(heads * hidden, output) if heads > 1 else nn.Identity()

    def forward(self, patches: torch.Tensor, lengths: Sequence[int] | None = None) -> torch.Tensor:
        """patches: float T x input, the bags stacked; lengths: patches of each of the B bags, none of
        them 0 (one bag if left out). Returns B x output. No padding: bags don't affect each other."""
        lengths = [len(patches)] if lengths is None else list(lengths)
        if min(lengths) < 1 or sum(lengths) != len(patches):
            raise ValueError(f"{len(patches)} patches can't be bags of {lengths[:8]} patches; none may be empty")
        limit = CPU_ROWS if patches.device.type == "cpu" else len(patches)
        groups = list(bag_groups(lengths, limit))
        rows = torch.split(patches, [sum(lengths[first:last]) for first, last in groups])
        pooled = [
            self._pool(part, lengths[slice(*group)])
            if len(part) <= limit or torch.is_grad_enabled()
            else self._pool_blocks(torch.split(part, limit))
            for part, group in zip(rows, groups, strict=True)
        ]
        embeddings: torch.Tensor = self.after(torch.cat(pooled))
        return embeddings

    def _pool(self, patches: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        parts = self.split(self.before(patches)).chunk(len(self.attention), dim=-1)
        heads = [
            segment_sum(segment_softmax(attention(part), lengths), part, lengths)
            for part, attention in zip(parts, self.attention, strict=True)
        ]
        return torch.cat(heads, dim=-1)

    def embed_blocks(self, blocks: Iterable[torch.Tensor]) -> torch.Tensor:
        """Embedding (output) of one bag whose patches come in blocks (float rows x input), not to be trained on.

        The same as of the whole bag, up to rounding, in memory that doesn't grow with the bag.
        """
        embeddings: torch.Tensor = self.after(
            self._pool_blocks(chain.from_iterable(torch.split(block, CPU_ROWS) for block in blocks))
        )
        return embeddings[0]

    def _pool_blocks(self, blocks: Iterable[torch.Tensor]) -> torch.Tensor:
        """1 x (heads x hidden): attention within each block, then of each head over what the blocks gave."""
        pooled, weights = [], []
        for block in blocks:
            parts = self.split(self.before(block)).chunk(len(self.attention), dim=-1)
            scores = [attention(part) for part, attention in zip(parts, self.attention, strict=True)]
            shares = [segment_softmax(score, [len(block)]) for score in scores]
            heads = [segment_sum(share, part, [len(block)])[0] for share, part in zip(shares, parts, strict=True)]
            pooled.append(torch.stack(heads))
            weights.append(torch.stack([torch.logsumexp(score, 0) for score in scores]))
        block_weights = torch.softmax(torch.stack(weights), dim=0)
        return torch.einsum("bh,bhd->hd", block_weights.to(pooled[0].dtype), torch.stack(pooled)).flatten()[None]

    def attention_weights(self, patches: torch.Tensor) -> torch.Tensor:
        """Attention of the patches of one bag (T x input): heads x T, each head's shares add up to 1."""
        parts = self.split(self.before(patches)).chunk(len(self.attention), dim=-1)
        scores = [attention(part) for part, attention in zip(parts, self.attention, strict=True)]
        return torch.softmax(torch.stack(scores), dim=1)


class SlideTransformer(nn.Module):
    """Bags of patch features to one embedding each, by pre-norm Transformer blocks and a class token.

    The paper gives two layers and 16.1 M parameters, no widths. With `hidden` 768, 12 heads and a feed-forward width
    of 4 x hidden this has 16,148,224 at 768-d patches. No positions: patches are a set, as for the other encoder.
    """

    def __init__(
        self,
        input: int,
        hidden: int = 768,
        layers: int = 2,
        heads: int = 12,
        output: int = 1024,
        dropout: float = 0.1,
        attention_dropout: float = 0.1,
    ):
        super().__init__()
        self.before = Hidden(nn.Linear(input, hidden), nn.LayerNorm(hidden), nn.GELU(), nn.Dropout(dropout))
        self.token = nn.Parameter(torch.randn(1, hidden) * 0.02)
        block = nn.TransformerEncoderLayer(
            hidden, heads, 4 * hidden, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, layers, nn.LayerNorm(hidden), enable_nested_tensor=False)
        for layer in self.blocks.layers:
            layer.self_attn.dropout = attention_dropout
        self.after = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, output))

    def forward(self, patches: torch.Tensor, lengths: Sequence[int] | None = None) -> torch.Tensor:
        """patches: float T x input, the bags stacked; lengths: patches of each of the B bags.

        Returns B x output. Bags pass the blocks one by one: attention within a bag is the whole cost.
        """
        bags = self.before(patches).split([len(patches)] if lengths is None else list(lengths))
        with without_fast_path():
            pooled = [self.blocks(torch.cat([self.token.to(bag.dtype), bag])[None])[0, 0] for bag in bags]
        embeddings: torch.Tensor = self.after(torch.stack(pooled))
        return embeddings

    def embed_blocks(self, blocks: Iterable[torch.Tensor]) -> torch.Tensor:
        """Embedding (output) of one bag whose patches come in blocks; they meet in attention, so memory grows with it
        (about 40 kB per patch)."""
        embeddings: torch.Tensor = self(torch.cat(list(blocks)))
        return embeddings[0]


SLIDE_ENCODERS: dict[str, type[SlideEncoder | SlideTransformer]] = {
    "abmil": SlideEncoder,
    "transformer": SlideTransformer,
}


def slide_encoder(section: SlideSection) -> SlideEncoder | SlideTransformer:
    """The slide encoder of a description, with random weights."""
    return SLIDE_ENCODERS[section.get("kind", "abmil")](
        section["input"],
        section["hidden"],
        section["layers"],
        section["heads"],
        section["output"],
        section["dropout"],
        section["attention_dropout"],
    )


class Threads(nn.Module):
    """Slide encoder and the molecular branches a run has, all giving embeddings of one width.

    description: what config.json of a run holds.
    """

    def __init__(self, description: Description):
        super().__init__()
        self.width = description["slide_encoder"]["output"]
        self.slide = slide_encoder(description["slide_encoder"])
        self.rna: RnaEncoder | RnaMlp | None = None
        self.dna: DnaEncoder | None = None
        if rna := description.get("rna_encoder"):
            genes, width, layers, dropout = len(rna["vocabulary"]), rna["width"], rna["layers"], rna["dropout"]
            if rna.get("kind", "scgpt") == "scgpt":
                self.rna = RnaEncoder(genes, width, layers, rna["heads"], rna["feedforward"], dropout, self.width)
            else:
                self.rna = RnaMlp(genes, width, layers, dropout, self.width)
        if dna := description.get("dna_encoder"):
            self.dna = DnaEncoder(len(dna["flags"]), dna["hidden"], dna["layers"], dna["dropout"], self.width)

    def branches(self) -> dict[Branch, nn.Module]:
        """The branches that this network has, by name."""
        modules: dict[Branch, nn.Module | None] = {"slide": self.slide, "rna": self.rna, "dna": self.dna}
        return {name: branch for name, branch in modules.items() if branch is not None}


def build(description: Description, seed: int) -> Threads:
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


def load(folder: str, revision: str | None = None) -> tuple[Threads, Description]:
    """The network of a run's folder, from model.safetensors and config.json alone, in evaluation mode.

    Raises DamagedModel where digests next to them (sha256.txt) differ. A name user/model that is not a folder is taken
    from the Hugging Face hub, at `revision`.
    """
    from safetensors.torch import load_file

    is_local = Path(folder).is_dir() or folder.count("/") != 1
    path = Path(folder if is_local else fetched(folder, revision))
    check_digests(path, ["model.safetensors", "config.json"])
    description: Description = json.loads((path / "config.json").read_text())
    network = Threads(description)
    network.load_state_dict(load_file(path / "model.safetensors"))
    return network.eval(), description
