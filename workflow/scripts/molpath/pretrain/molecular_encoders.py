"""The molecular branches of Threads: a scGPT transformer for expression, an MLP for flags."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

PAD, CLS, END = "<pad>", "<cls>", "<eoc>"
#: Value that stands beside the CLS token and paddings, as in scGPT's data collator.
PAD_VALUE = -2.0
#: scGPT clips values here before they are encoded.
LARGEST_VALUE = 512.0


class GeneEncoder(nn.Module):
    """Embedding of a gene's identity, normalised (scGPT: encoder.embedding, encoder.enc_norm)."""

    def __init__(self, genes: int, width: int):
        super().__init__()
        self.embedding = nn.Embedding(genes, width, padding_idx=0)
        self.enc_norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: int B x G; returns B x G x width."""
        return self.enc_norm(self.embedding(tokens))


class ValueEncoder(nn.Module):
    """Two-layer MLP on a continuous value (scGPT: value_encoder.linear1, linear2, norm)."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(1, width), nn.Linear(width, width)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """values: float B x G; returns B x G x width."""
        x = values.clamp(max=LARGEST_VALUE).unsqueeze(-1)
        return self.dropout(self.norm(self.linear2(torch.relu(self.linear1(x)))))


class RnaEncoder(nn.Module):
    """Modified scGPT: mean over all tokens of the last layer with CLS, then a two-layer projection.

    Module names are scGPT's, so that its checkpoints load; its decoders are left out.
    """

    def __init__(
        self,
        genes: int,
        width: int = 512,
        layers: int = 12,
        heads: int = 8,
        feedforward: int = 512,
        dropout: float = 0.2,
        output: int = 1024,
    ):
        super().__init__()
        self.encoder = GeneEncoder(genes, width)
        self.value_encoder = ValueEncoder(width, dropout)
        block = nn.TransformerEncoderLayer(width, heads, feedforward, dropout, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(block, layers, enable_nested_tensor=False)
        self.projection = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, output))

    def forward(self, tokens: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """tokens: int B x G, CLS first, PAD (0) where a profile is shorter; values: float B x G. Returns B x output."""
        padded = tokens == 0
        x = self.transformer_encoder(self.encoder(tokens) + self.value_encoder(values), src_key_padding_mask=padded)
        share = (~padded).to(x.dtype)
        return self.projection(torch.einsum("bg,bgd->bd", share / share.sum(1, keepdim=True), x))


class DnaEncoder(nn.Sequential):
    """MLP on flags: Linear, LayerNorm, ReLU, Dropout; the last layer only Linear and LayerNorm.

    10,128,068 parameters with 1,673 flags, hidden 1,673, four layers and 1,024 outputs, as in the paper.
    """

    def __init__(
        self, flags: int, hidden: int | None = None, layers: int = 4, dropout: float = 0.2, output: int = 1024
    ):
        hidden = hidden or flags
        widths = [flags] + [hidden] * (layers - 1)
        blocks = [
            nn.Sequential(nn.Linear(a, b), nn.LayerNorm(b), nn.ReLU(), nn.Dropout(dropout))
            for a, b in zip(widths, widths[1:], strict=False)
        ]
        super().__init__(*blocks, nn.Linear(widths[-1], output), nn.LayerNorm(output))


class RnaMlp(nn.Module):
    """Plain alternative to the transformer: an MLP on the values of all words of the vocabulary, 0 where not shown.

    `layers` linear layers of `width`, each but the last with LayerNorm, ReLU and Dropout; takes what RnaEncoder takes.
    """

    def __init__(self, genes: int, width: int = 512, layers: int = 3, dropout: float = 0.2, output: int = 1024):
        super().__init__()
        self.genes = genes
        self.mlp = DnaEncoder(genes, width, layers, dropout, output)

    def forward(self, tokens: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        """tokens: int B x G, CLS first, PAD (0) where a profile is shorter; values: float B x G. Returns B x output."""
        x = values.new_zeros(len(values), self.genes).scatter(1, tokens[:, 1:], values[:, 1:])
        return self.mlp(x.index_fill(1, torch.zeros(1, dtype=torch.long, device=x.device), 0.0))


def standardise(values: np.ndarray, section: Mapping[str, Any], genes: Sequence[str]) -> np.ndarray:
    """Values (float32 N x genes) as deviations from the training cohort, where the run asks for it, else as they are.

    The paper describes no scaling and starts from scGPT's weights. From random weights the mean over tokens is nearly
    the same for all profiles, for what a gene is outweighs how much of it there is; deviations mend that.
    """
    if not section.get("mean"):
        return values
    mean = np.array([section["mean"].get(gene, 0.0) for gene in genes], np.float32)
    deviation = np.array([section["deviation"].get(gene, 1.0) for gene in genes], np.float32)
    return (values - mean) / deviation


def vocabulary_of(genes: Sequence[str]) -> list[str]:
    """Vocabulary of a run that starts from nothing: specials, then the genes, sorted."""
    return [PAD, CLS, END, *sorted(genes)]


def load_scgpt(encoder: RnaEncoder, folder: str) -> int:
    """Load a public scGPT folder (best_model.pt) into `encoder`; returns the tensors loaded.

    Fused attention weights (`Wqkv`) are renamed to `in_proj`. Raises ValueError naming every tensor of ours, but
    the projection's, that the file lacks or has in another shape: nothing is skipped silently.
    """
    state = torch.load(Path(folder) / "best_model.pt", map_location="cpu", weights_only=True)
    renamed = {
        name.replace("self_attn._impl.Wqkv.", "self_attn.in_proj_").replace(
            "self_attn.Wqkv.", "self_attn.in_proj_"
        ): value
        for name, value in state.items()
    }
    wanted = {name: value for name, value in encoder.state_dict().items() if not name.startswith("projection.")}
    wrong = [n for n, v in wanted.items() if n not in renamed or renamed[n].shape != v.shape]
    if wrong:
        raise ValueError(
            f"{folder}/best_model.pt has no fitting tensor for {', '.join(wrong[:5])} ({len(wrong)} in all)"
        )
    encoder.load_state_dict({name: renamed[name] for name in wanted}, strict=False)
    return len(wanted)


def read_vocabulary(folder: str) -> list[str]:
    """Genes of an scGPT folder's vocab.json in the order of their ids; <pad> must be moved to 0 by the caller."""
    ids = json.loads((Path(folder) / "vocab.json").read_text())
    return sorted(ids, key=ids.get)
