"""What pretraining minimises, and how a checkpoint is chosen."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def similarities(
    slides: torch.Tensor, profiles: torch.Tensor, cases: torch.Tensor, temperature: float | torch.Tensor
) -> torch.Tensor:
    """Cosine similarities over the temperature of B slide and B profile embeddings (B x D), row i belonging to row i.

    Rows of one case (`cases`: int B) are no negatives of each other (-inf): two slides of a patient share a profile,
    and pushing them apart would teach the opposite.
    """
    similarity = F.normalize(slides.float(), dim=1) @ F.normalize(profiles.float(), dim=1).T / temperature
    same = (cases[:, None] == cases[None, :]) & ~torch.eye(len(cases), dtype=torch.bool, device=cases.device)
    return similarity.masked_fill(same, float("-inf"))


def contrastive_loss(
    slides: torch.Tensor, profiles: torch.Tensor, cases: torch.Tensor, temperature: float | torch.Tensor
) -> torch.Tensor:
    """Symmetric InfoNCE between B slide and B profile embeddings: the mean of both directions' cross entropies."""
    similarity = similarities(slides, profiles, cases, temperature)
    target = torch.arange(len(cases), device=cases.device)
    return (F.cross_entropy(similarity, target) + F.cross_entropy(similarity.T, target)) / 2


@torch.no_grad()
def retrieval_accuracy(slides: torch.Tensor, profiles: torch.Tensor, cases: torch.Tensor, k: int) -> float:
    """Share of slides whose own profile is among the k most similar ones of the batch."""
    similarity = similarities(slides, profiles, cases, 1.0)
    rank = (similarity > similarity.diagonal()[:, None]).sum(1)
    return float((rank < k).float().mean())


def rankme(embeddings: torch.Tensor, eps: float = 1e-7) -> float:
    """Smooth rank of embeddings (N x D): exp of the entropy of their L1-normalised singular values.

    p = s / sum(s) + eps; rank = exp(-sum p ln p). k equal singular values give k, up to eps.
    """
    values = torch.linalg.svdvals(embeddings.double())
    shares = values / values.sum() + eps
    return float(torch.exp(-(shares * torch.log(shares)).sum()))


def learning_rate_factor(step: int, warmup: int, total: int, floor: float) -> float:
    """Factor of the peak rate: linear from 0 over `warmup` steps, then half a cosine down to `floor`."""
    if step < warmup:
        return (step + 1) / warmup
    done = min(1.0, (step - warmup) / max(1, total - warmup))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))
