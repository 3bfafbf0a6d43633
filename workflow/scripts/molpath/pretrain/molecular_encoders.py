"""The molecular branches of Threads: a scGPT transformer for expression, an MLP for flags."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from ..common.given_files import check_archive
from ..common.given_text import read_json
from .description import Scale

log = logging.getLogger(__name__)

PAD, CLS, END = "<pad>", "<cls>", "<eoc>"
#: Value of the CLS token and of padding, as in scGPT's data collator.
PAD_VALUE = -2.0
#: scGPT clips values here before they are encoded; deviations below the mean like those above.
LARGEST_VALUE = 512.0
#: Bytes of attention that a CPU may hold at once, above which training recomputes it.
ATTENTION_BYTES = 2**28


class GeneEncoder(nn.Module):
    """Embedding of a gene's identity, normalised (scGPT: encoder.embedding, encoder.enc_norm)."""

    def __init__(self, genes: int, width: int):
        super().__init__()
        self.embedding = nn.Embedding(genes, width, padding_idx=0)
        self.enc_norm = nn.LayerNorm(width)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """tokens: int B x G; returns B x G x width."""
        vectors: torch.Tensor = self.enc_norm(self.embedding(tokens))
        return vectors


class ValueEncoder(nn.Module):
    """Two-layer MLP on a continuous value (scGPT: value_encoder.linear1, linear2, norm)."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(1, width), nn.Linear(width, width)
        self.norm, self.dropout = nn.LayerNorm(width), nn.Dropout(dropout)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """values: float B x G; returns B x G x width."""
        x = values.clamp(-LARGEST_VALUE, LARGEST_VALUE).unsqueeze(-1)
        vectors: torch.Tensor = self.dropout(self.norm(self.linear2(torch.relu(self.linear1(x)))))
        return vectors


def profiles_at_once(tokens: torch.Tensor, heads: int) -> int:
    """How many profiles pass a layer together: on a CPU with dropout, attention holds a matrix per head of each."""
    count, genes = tokens.shape
    if tokens.device.type != "cpu":
        return max(1, count)
    return min(max(1, ATTENTION_BYTES // (4 * heads * genes * genes)), max(1, count))


@contextmanager
def without_fast_path() -> Iterator[None]:
    """Layers in evaluation attend in blocks; torch's fast path would hold B x heads x G x G numbers."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def layer_recomputed(layer: nn.Module, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """A layer of the transformer; it is recomputed in the backward pass, from the same random state."""
    if not torch.is_grad_enabled():
        vectors: torch.Tensor = layer(x, src_key_padding_mask=mask)
    else:
        vectors = checkpoint(layer, x, None, mask, use_reentrant=False)
    return vectors


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
        heads = self.transformer_encoder.layers[0].self_attn.num_heads
        pieces = profiles_at_once(tokens, heads)
        recompute = 4 * heads * tokens.numel() * tokens.shape[1] > ATTENTION_BYTES
        means = [
            self._mean(part, shown, recompute)
            for part, shown in zip(torch.split(tokens, pieces), torch.split(values, pieces), strict=True)
        ]
        embeddings: torch.Tensor = self.projection(torch.cat(means))
        return embeddings

    def _mean(self, tokens: torch.Tensor, values: torch.Tensor, recompute: bool) -> torch.Tensor:
        """Mean over the tokens of the last layer, B x width; padding is masked.

        recompute: layers are computed again in the backward pass, which takes about a third more time.
        """
        padded = tokens == 0
        x, mask = self.encoder(tokens) + self.value_encoder(values), padded if padded.any() else None
        with without_fast_path():
            for layer in self.transformer_encoder.layers:
                x = layer_recomputed(layer, x, mask) if recompute else layer(x, src_key_padding_mask=mask)
        share = (~padded).to(x.dtype)
        return torch.einsum("bg,bgd->bd", share / share.sum(1, keepdim=True), x)


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
        shown = x.index_fill(1, torch.zeros(1, dtype=torch.long, device=x.device), 0.0)
        embeddings: torch.Tensor = self.mlp(shown)
        return embeddings


def standardise(values: np.ndarray, scale: Scale, genes: Sequence[str]) -> np.ndarray:
    """Values (float32 N x genes) as deviations from the training cohort, where the run asks for it, else as they are.

    The paper describes no scaling and starts from scGPT's weights. From random weights the mean over tokens is nearly
    the same for all profiles, because a gene's identity outweighs its value; deviations fix that. A gene that no
    training profile had is NaN, which isn't shown: it has no mean to deviate from.
    """
    means = scale.get("mean")
    if not means:
        return values
    mean = np.array([means.get(gene, np.nan) for gene in genes], np.float32)
    deviation = np.array([scale["deviation"].get(gene, 1.0) for gene in genes], np.float32)
    return (values - mean) / deviation


def vocabulary_of(genes: Sequence[str]) -> list[str]:
    """Vocabulary of a run that starts at random: specials, then the genes, sorted."""
    return [PAD, CLS, END, *sorted(genes)]


def load_scgpt(encoder: RnaEncoder, folder: str) -> dict[str, list[str]]:
    """Load a public scGPT folder (args.json, vocab.json, best_model.pt) into `encoder`.

    Fused attention weights (`Wqkv`, below `_impl` in newer files) are renamed to `in_proj`, and the gene embedding's
    rows follow `read_vocabulary`. Returns the names that were `loaded`, those of the file that are not used here (its
    decoders: `unused`), and those of ours that start at random (the projection: `new`). Raises ValueError for tensors
    of ours, but the projection's, that the file lacks, has in another shape or with numbers that are not finite, for
    sizes of args.json that differ, and for files that can't be read: nothing is left out silently.
    """
    check_scgpt_sizes(encoder, folder)
    state = read_scgpt_weights(folder)
    renamed = {
        name.replace("self_attn._impl.", "self_attn.").replace("self_attn.Wqkv.", "self_attn.in_proj_"): value
        for name, value in state.items()
    }
    own_tensors = encoder.state_dict()
    needed = {name: value for name, value in own_tensors.items() if not name.startswith("projection.")}
    wrong = [n for n, v in needed.items() if n not in renamed or renamed[n].shape != v.shape]
    if wrong:
        raise ValueError(
            f"{folder}/best_model.pt has no fitting tensor for {', '.join(wrong[:5])} ({len(wrong)} in all)"
        )
    if broken := [name for name in needed if not torch.isfinite(renamed[name]).all()]:
        raise ValueError(
            f"{folder}/best_model.pt has numbers that are not finite in {', '.join(broken[:5])} ({len(broken)} in "
            "all): download it again"
        )
    ids = read_scgpt_json(folder, "vocab.json")
    order = torch.tensor([ids[word] for word in read_vocabulary(folder)])
    renamed["encoder.embedding.weight"] = renamed["encoder.embedding.weight"][order]
    encoder.load_state_dict({name: renamed[name] for name in needed}, strict=False)
    report = {
        "loaded": list(needed),
        "unused": [name for name in renamed if name not in needed],
        "new": [name for name in own_tensors if name not in needed],
    }
    for kind, names in report.items():
        log.info("scGPT %s: %d tensors %s: %s", folder, len(names), kind, ", ".join(names))
    return report


def read_scgpt_weights(folder: str) -> dict[str, torch.Tensor]:
    """Tensors of an scGPT folder's best_model.pt by name; other objects are left out.

    Raises ValueError for a file that PyTorch doesn't read as plain tensors. Its own message would advise to let the
    file run code.
    """
    path = Path(folder) / "best_model.pt"
    try:
        check_archive(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError):  # the machine failed, not the file
        raise
    except Exception:  # torch.load raises whatever the bytes lead it to
        state = None
    if not isinstance(state, dict):
        raise ValueError(
            f"{path} is damaged, or is not a table of tensors by name (but a whole module, say): download "
            "it again from scGPT's authors, or save the module's state_dict() there"
        )
    return {name: value for name, value in state.items() if isinstance(name, str) and isinstance(value, torch.Tensor)}


def read_scgpt_json(folder: str, name: str) -> dict[str, Any]:
    """args.json or vocab.json of an scGPT folder. Raises ValueError for a file that holds no JSON object."""
    path = Path(folder) / name
    content = read_json(path)
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} holds no JSON object, but a {type(content).__name__}: take the file of scGPT's authors"
        )
    return content


def check_scgpt_sizes(encoder: RnaEncoder, folder: str) -> None:
    """Raises ValueError where args.json and the encoder differ: the number of heads shows in no tensor's shape."""
    sizes = read_scgpt_json(folder, "args.json")
    layers = encoder.transformer_encoder.layers
    own_sizes = {
        "nheads": layers[0].self_attn.num_heads,
        "nlayers": len(layers),
        "embsize": encoder.encoder.embedding.embedding_dim,
    }
    for key, value in own_sizes.items():
        if sizes.get(key, value) != value:
            raise ValueError(
                f"{folder}/args.json says {key} {sizes[key]}, the run's rna_encoder {value}; make them equal"
            )


def read_vocabulary(folder: str) -> list[str]:
    """Words of an scGPT folder's vocab.json in the order of their ids, but <pad> first (here paddings are token 0).

    Raises ValueError if ids are not 0, 1, … or <pad> or <cls> is missing.
    """
    ids = read_scgpt_json(folder, "vocab.json")
    if wrong := [word for word, number in ids.items() if type(number) is not int]:
        raise ValueError(f"{folder}/vocab.json, key {wrong[0]}: {ids[wrong[0]]!r} is not a whole number")
    words = sorted(ids, key=lambda word: ids[word])
    if [ids[word] for word in words] != list(range(len(words))) or not {PAD, CLS} <= set(words):
        raise ValueError(f"{folder}/vocab.json must number its words 0, 1, … and hold {PAD} and {CLS}")
    return [PAD, *(word for word in words if word != PAD)]
