"""The size of a network: the genes its DNA branch sees, and whether memory holds it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ..common.memory import memory_available
from .description import Description
from .network import Branch, Threads

#: Bytes per parameter in training: its value, gradient and two moments of AdamW, and a copy of the epoch that is kept.
BYTES = 20
#: What makes a branch smaller.
REMEDIES: dict[Branch, str] = {
    "slide": "lower hidden, layers or heads",
    "rna": "lower width, layers or feedforward, or select fewer genes in omics/select",
    "dna": "name a list of genes in omics/dna_genes, or lower genes, hidden or layers",
}
KEYS: dict[Branch, str] = {"slide": "slide_encoder", "rna": "rna_encoder", "dna": "dna_encoder"}


class TooLarge(Exception):
    """A network that memory can't hold in training."""


def gene_of(flag: str) -> str:
    """The gene of a flag that is named GENE:flag."""
    return flag.rpartition(":")[0] or flag


def flags_of_genes(values: np.ndarray, rows: Sequence[int], flags: Sequence[str], limit: int) -> np.ndarray:
    """bool F: the flags of at most `limit` genes, those with any flag in most profiles (`rows` of values, N x F), of
    equals the first by name; 0 takes every gene. Each profile counts once per gene."""
    genes = np.array([gene_of(flag) for flag in flags], object)
    names = list(dict.fromkeys(genes))
    if not limit or len(names) <= limit:
        return np.ones(len(flags), bool)
    place = {name: index for index, name in enumerate(names)}
    owners = np.array([place[gene] for gene in genes])
    counts = np.zeros(len(names), np.int64)
    for row in rows:
        counts[np.unique(owners[values[row] > 0])] += 1
    chosen = sorted(range(len(names)), key=lambda index: (-counts[index], names[index]))[:limit]
    is_kept: np.ndarray = np.isin(owners, chosen)
    return is_kept


def room(device: torch.device, processes: int) -> tuple[float, str]:
    """Bytes that each of the run's processes on this node can have for its network, and of what."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0]), "on the GPU"
    return memory_available() / processes, "of memory" + (f" for each of {processes} processes here" * (processes > 1))


def check_size(description: Description, run: str, available: float, memory: str) -> None:
    """Raises TooLarge, naming the largest branch and its keys, for a network that needs more than `available` bytes.

    Weights, gradients and AdamW's moments alone are counted; a network that passes may still need more for its steps.
    """
    with torch.device("meta"):
        branches = Threads(description).branches()
    counts = {name: sum(p.numel() for p in branch.parameters()) for name, branch in branches.items()}
    needed = BYTES * sum(counts.values())
    if needed > available:
        largest = max(counts, key=lambda name: counts[name])
        raise TooLarge(
            f"config, key pretrain/runs/{run}/{KEYS[largest]}: this branch has {counts[largest]:,} parameters, and "
            f"training the run holds {needed / 1e9:,.1f} GB for its weights, gradients and moments; there are "
            f"{available / 1e9:,.1f} GB {memory}: {REMEDIES[largest]}"
        )
