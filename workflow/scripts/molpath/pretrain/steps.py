"""One training step: embeddings of a batch, the contrastive loss over all ranks, and its gradients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from .batches import Batch, rows_with
from .distributed import World
from .network import Threads
from .objectives import contrastive_loss, retrieval_accuracy


def embed(network: Threads, part: Batch, world: World, precision: str) -> dict[str, torch.Tensor]:
    """Embeddings (float32 rows x width) of the slides of a part, and of its profiles by modality."""
    device = world.device
    branches = {"slide": (network.slide, (part.patches.to(device, non_blocking=True).float(), part.lengths))}
    for name, inputs in part.profiles.items():
        branches[name] = (getattr(network, name), tuple(tensor.to(device) for tensor in inputs))
    found = {}
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        for name, (branch, inputs) in branches.items():
            rows = len(inputs[1]) if name == "slide" else len(inputs[0])
            found[name] = branch(*inputs).float() if rows else torch.zeros((0, network.width), device=device)
    return found


def losses(
    found: Mapping[str, torch.Tensor], batch: Batch, world: World, temperature: float | torch.Tensor, joint: bool
) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Contrastive terms over the batch of all ranks, one a modality (or one, if joint), and top-1 and top-5 accuracy.

    joint: RNA and DNA profiles are negatives of each other too; a slide that has both counts twice.
    """
    examples = world.by_rank(batch.examples)
    shares = [batch.examples[rank :: world.size] for rank in range(world.size)]
    cases = torch.tensor([one.case for one in examples], device=world.device)
    slides = world.gather(found["slide"], [len(share) for share in shares])
    terms, accuracies, rows, profiles = {}, {}, [], []
    for name in batch.profiles:
        having = rows_with(examples, name)
        one = world.gather(found[name], [len(rows_with(share, name)) for share in shares])
        for k in (1, 5):
            accuracies[f"{name}_top{k}"] = retrieval_accuracy(slides[having], one, cases[having], k)
        if not joint:
            terms[name] = contrastive_loss(slides[having], one, cases[having], temperature)
        rows += having
        profiles.append(one)
    if joint and rows:
        terms["joint"] = contrastive_loss(slides[rows], torch.cat(profiles), cases[rows], temperature)
    return terms, accuracies


def backward(network: Threads, batch: Batch, world: World, settings: Mapping[str, Any], temperature):
    """Gradients of the batch's loss, this rank's part of them; returns the terms and accuracies of `losses`.

    With `micro_batch` the share passes in pieces, twice: first without graphs, for the loss and the gradients of the
    embeddings; then each piece again, from the same state of chance, to carry those back. What is held is a piece;
    the gradients are those of the whole batch (gradient caching, Gao et al., arXiv 2101.06983).
    """
    precision, joint, size = settings["precision"], settings["joint"], settings["micro_batch"]
    if not size or size >= len(batch.share):
        found = embed(network, batch, world, precision)
        terms, accuracies = losses(found, batch, world, temperature, joint)
        if terms:
            sum(terms.values()).backward()
        return terms, accuracies
    parts = [batch.part(first, first + size) for first in range(0, len(batch.share), size)]
    states, pieces = [], []
    with torch.no_grad():
        for part in parts:
            states.append(random_state(world.device))
            pieces.append(embed(network, part, world, precision))
    after = random_state(world.device)
    whole = {name: torch.cat([piece[name] for piece in pieces]).requires_grad_() for name in pieces[0]}
    terms, accuracies = losses(whole, batch, world, temperature, joint)
    if not terms:
        return terms, accuracies
    sum(terms.values()).backward()
    done = dict.fromkeys(whole, 0)
    for part, state in zip(parts, states, strict=True):
        set_random_state(state, world.device)
        total = 0.0
        for name, piece in embed(network, part, world, precision).items():
            gradient = whole[name].grad[done[name] : done[name] + len(piece)]
            done[name] += len(piece)
            total = total + (piece * gradient).sum()
        total.backward()
    set_random_state(after, world.device)
    return terms, accuracies


def random_state(device: torch.device) -> list[torch.Tensor]:
    """State of torch's generators, of the CPU and of the device."""
    return [torch.get_rng_state()] + ([torch.cuda.get_rng_state(device)] if device.type == "cuda" else [])


def set_random_state(state: list[torch.Tensor], device: torch.device) -> None:
    """Put back what `random_state` gave."""
    torch.set_rng_state(state[0])
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[1], device)
