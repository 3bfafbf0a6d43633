"""Bags of rows stacked in one array: which go together, and softmax and sums within each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch


def bag_groups(lengths: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Ranges (first, last) of consecutive bags with at most `limit` rows together, or one bag that has more."""
    first, rows = 0, 0
    for index, length in enumerate(lengths):
        if index > first and rows + length > limit:
            yield first, index
            first, rows = index, 0
        rows += length
    yield first, len(lengths)


def segment_softmax(scores: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Softmax within each bag of concatenated scores (float32, one per row)."""
    if len(set(lengths)) == 1:
        return torch.softmax(scores.view(len(lengths), -1), dim=1).view(-1)
    counts = torch.tensor(lengths, device=scores.device)
    highest = torch.segment_reduce(scores.detach(), "max", lengths=counts)
    shares = torch.exp(scores - highest.repeat_interleave(counts))
    return shares / torch.segment_reduce(shares, "sum", lengths=counts).repeat_interleave(counts)


def segment_sum(weights: torch.Tensor, rows: torch.Tensor, lengths: Sequence[int]) -> torch.Tensor:
    """Weighted sum of the rows of each bag (bags x width)."""
    if len(set(lengths)) == 1:
        bags = rows.reshape(len(lengths), -1, rows.shape[-1])
        return torch.einsum("bn,bnd->bd", weights.view(len(lengths), -1).to(rows.dtype), bags)
    counts = torch.tensor(lengths, device=rows.device)
    return torch.segment_reduce(weights[:, None] * rows.float(), "sum", lengths=counts).to(rows.dtype)
