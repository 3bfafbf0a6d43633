"""One training step: embeddings of a batch, the contrastive loss over all ranks, its gradients; how far training is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import torch
import torch.nn.functional as F

from ..common.settings.pretrain import Training
from .data import Batch, rows_with
from .distributed import World
from .network import Threads


def similarities(
    slides: torch.Tensor, profiles: torch.Tensor, cases: torch.Tensor, temperature: float | torch.Tensor
) -> torch.Tensor:
    """Cosine similarities over the temperature of B slide and B profile embeddings (B x D), row i belonging to row i.

    Rows of one case (`cases`: int B) are not negatives of each other (-inf): two slides of a patient share a profile,
    and should not be pushed apart.
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


def embed(network: Threads, part: Batch, world: World, precision: str) -> dict[str, torch.Tensor]:
    """Embeddings (float32 rows x width) of the slides of a part, and of its profiles by modality."""
    device = world.device
    patches = part.patches.to(device, non_blocking=True).float()
    profiles = {name: [tensor.to(device) for tensor in inputs] for name, inputs in part.profiles.items()}
    nothing = torch.zeros((0, network.width), device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        embeddings = {"slide": network.slide(patches, part.lengths).float() if part.lengths else nothing}
        for name, inputs in profiles.items():
            embeddings[name] = getattr(network, name)(*inputs).float() if len(inputs[0]) else nothing
    return embeddings


def losses(
    embeddings: Mapping[str, torch.Tensor], batch: Batch, world: World, temperature: float | torch.Tensor, joint: bool
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Contrastive terms over the batch of all ranks, one per modality (or one, if joint), and top-1 and top-5 accuracy.

    joint: RNA and DNA profiles are negatives of each other too; a slide that has both counts twice.
    """
    examples = world.by_rank(batch.examples)
    shares = [batch.examples[rank :: world.size] for rank in range(world.size)]
    cases = torch.tensor([example.case for example in examples], device=world.device)
    slides = world.gather(embeddings["slide"], [len(share) for share in shares])
    terms, accuracies, rows, profiles = {}, {}, [], []
    for name in batch.profiles:
        having = rows_with(examples, name)
        vectors = world.gather(embeddings[name], [len(rows_with(share, name)) for share in shares])
        for k in (1, 5):
            accuracies[f"{name}_top{k}"] = retrieval_accuracy(slides[having], vectors, cases[having], k)
        if not joint:
            terms[name] = contrastive_loss(slides[having], vectors, cases[having], temperature)
        rows += having
        profiles.append(vectors)
    if joint and rows:
        terms["joint"] = contrastive_loss(slides[rows], torch.cat(profiles), cases[rows], temperature)
    return terms, accuracies


def total(terms: Iterable[torch.Tensor]) -> torch.Tensor:
    """Sum of at least one term."""
    first, *remaining = terms
    return sum(remaining, start=first)


def backward(
    network: Threads, batch: Batch, world: World, settings: Training, temperature: float | torch.Tensor
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Gradients of the batch's loss, this rank's part of them; returns the terms and accuracies of `losses`.

    With `micro_batch` the share passes in pieces, twice: first without graphs, for the loss and the gradients of the
    embeddings; then each piece again, from the same random state, to propagate those. Only a piece is held in memory;
    the gradients are those of the whole batch (gradient caching, Gao et al., arXiv 2101.06983).
    """
    precision, joint, size = settings["precision"], settings["joint"], settings["micro_batch"]
    if not size or size >= len(batch.share):
        embeddings = embed(network, batch, world, precision)
        terms, accuracies = losses(embeddings, batch, world, temperature, joint)
        carry_back(terms)
        return terms, accuracies
    parts = [batch.part(first, first + size) for first in range(0, len(batch.share), size)]
    states, pieces = [], []
    with torch.no_grad():
        for part in parts:
            states.append(random_state(world.device))
            pieces.append(embed(network, part, world, precision))
    after = random_state(world.device)
    embeddings = {name: torch.cat([piece[name] for piece in pieces]).requires_grad_() for name in pieces[0]}
    terms, accuracies = losses(embeddings, batch, world, temperature, joint)
    if not terms:
        return terms, accuracies
    carry_back(terms)
    done = dict.fromkeys(embeddings, 0)
    for part, state in zip(parts, states, strict=True):
        set_random_state(state, world.device)
        products = []
        for name, piece in embed(network, part, world, precision).items():
            gradients = embeddings[name].grad
            assert gradients is not None  # each has a term
            products.append((piece * gradients[done[name] : done[name] + len(piece)]).sum())
            done[name] += len(piece)
        torch.autograd.backward(total(products))
    set_random_state(after, world.device)
    return terms, accuracies


def carry_back(terms: Mapping[str, torch.Tensor]) -> None:
    """Gradients of the sum of terms; none where no row is this rank's own (fewer pairs than ranks): those are zeros."""
    if terms and (loss := total(terms.values())).requires_grad:
        torch.autograd.backward(loss)


def random_state(device: torch.device) -> list[torch.Tensor]:
    """State of torch's generators, of the CPU and of the device."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_state(state: list[torch.Tensor], device: torch.device) -> None:
    """Restore what `random_state` gave."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)
