"""What a training step sees: bags of patches, gene tokens with values, flags; read while the step before computes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from .distributed import World
from .molecular_encoders import CLS, PAD_VALUE
from .pairs_data import Example, PairedData
from .store import PatchStore

MODALITIES = ("rna", "dna")


@dataclass
class Batch:
    """A batch of all ranks as a list of examples, and the numbers of this rank's share of it.

    patches: float16 T x D, bags one below the other, with `lengths`. profiles: by modality what its branch takes, one
    row for each example of `rows[modality]`, positions in the share. after: state of the generator once it was drawn.
    """

    examples: list[Example]
    share: list[Example]
    patches: torch.Tensor
    lengths: list[int]
    rows: dict[str, list[int]] = field(default_factory=dict)
    profiles: dict[str, tuple[torch.Tensor, ...]] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def part(self, first: int, last: int) -> Batch:
        """Examples first to last of the share, with their numbers."""
        start = sum(self.lengths[:first])
        lengths = self.lengths[first:last]
        rows, profiles = {}, {}
        for name, positions in self.rows.items():
            inside = [i for i, position in enumerate(positions) if first <= position < last]
            rows[name] = [positions[i] - first for i in inside]
            profiles[name] = tuple(tensor[inside] for tensor in self.profiles[name])
        patches = self.patches[start : start + sum(lengths)]
        return Batch(self.examples, self.share[first:last], patches, lengths, rows, profiles)


def rows_with(examples: Sequence[Example], name: str) -> list[int]:
    """Positions of the examples that have a profile of a modality."""
    return [i for i, one in enumerate(examples) if getattr(one, name) >= 0]


def bags(
    store: PatchStore, slide_ids: Sequence[str], count: int | None, firsts: Sequence[int]
) -> tuple[torch.Tensor, list[int]]:
    """Patches (float16 T x D) of some slides one below the other, and how many each has."""
    parts = [store.read(slide_id, count, first) for slide_id, first in zip(slide_ids, firsts, strict=True)]
    if not parts:
        return torch.zeros((0, store.dim), dtype=torch.float16), []
    return torch.from_numpy(np.concatenate(parts)), [len(part) for part in parts]


def gene_tokens(
    values: np.ndarray, tokens: np.ndarray, vocabulary: Mapping[str, int], columns: np.ndarray | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (int B x G) and values (float32 B x G), CLS first, of profiles (`values`: B x genes).

    columns: int B x G-1, the genes that each profile shows; None for all.
    """
    chosen_tokens, chosen_values = np.broadcast_to(tokens, values.shape), values
    if columns is not None:
        chosen_tokens, chosen_values = tokens[columns], np.take_along_axis(values, columns, axis=1)
    first = np.full((len(values), 1), vocabulary[CLS], np.int64)
    start = np.full((len(values), 1), PAD_VALUE, np.float32)
    return (
        torch.from_numpy(np.concatenate([first, chosen_tokens], 1)),
        torch.from_numpy(np.concatenate([start, chosen_values.astype(np.float32)], 1)),
    )


class Loader:
    """Draws batches. Every rank draws for all of them, the same numbers, and reads its own share."""

    def __init__(self, data: PairedData, settings: Mapping[str, Any], vocabulary, modalities, world: World):
        self.data, self.settings, self.vocabulary, self.world = data, settings, vocabulary, world
        self.modalities = modalities

    def draw(self, examples: list[Example], rng: np.random.Generator) -> Batch:
        """A batch; a modality takes part where two cases at least have a profile."""
        world, count = self.world, self.settings["patches"]
        firsts = [self.data.store.first(one.slide_id, count, rng) for one in examples]
        share = world.share(examples)
        patches, lengths = bags(self.data.store, [one.slide_id for one in share], count, world.share(firsts))
        batch = Batch(examples, share, patches, lengths)
        for name in self.modalities:
            having = rows_with(examples, name)
            if len({examples[i].case for i in having}) < 2:
                continue
            batch.rows[name] = rows_with(share, name)
            own = [number for number, i in enumerate(having) if i % world.size == world.rank]
            batch.profiles[name] = getattr(self, f"_{name}")([getattr(examples[i], name) for i in having], own, rng)
        batch.after = rng.bit_generator.state
        return batch

    def _rna(self, rows: list[int], own: list[int], rng) -> tuple[torch.Tensor, torch.Tensor]:
        count, genes, columns = self.settings["genes"], self.data.rna_values.shape[1], None
        if count < genes:
            chance = rng.random((len(rows), genes))[own]
            columns = np.sort(np.argpartition(chance, count, axis=1)[:, :count], axis=1)
        values = self.data.rna_values[[rows[i] for i in own]]
        return gene_tokens(values, self.data.rna_tokens, self.vocabulary, columns)

    def _dna(self, rows: list[int], own: list[int], rng) -> tuple[torch.Tensor]:
        return (torch.from_numpy(self.data.flags[[rows[i] for i in own]]),)

    def ahead(self, batches: Sequence[list[Example]], rng: np.random.Generator) -> Iterator[Batch]:
        """The batches in order; the next one is read in a thread meanwhile."""
        with ThreadPoolExecutor(1) as pool:
            waiting = None
            for examples in batches:
                following = pool.submit(self.draw, examples, rng)
                if waiting is not None:
                    yield waiting.result()
                waiting = following
            if waiting is not None:
                yield waiting.result()


def split_epoch(examples: Sequence[Example], order: Sequence[int], steps: int, one_slide_per_case: bool):
    """Batches of an epoch: every steps-th example of the order, or so that no case is twice in a batch."""
    if not one_slide_per_case:
        return [[examples[i] for i in order[step::steps]] for step in range(steps)]
    batches: list[list[Example]] = [[] for _ in range(steps)]
    seen: list[set[int]] = [set() for _ in range(steps)]
    for i in order:
        free = [step for step in range(steps) if examples[i].case not in seen[step]]
        step = min(free, key=lambda step: len(batches[step]))
        batches[step].append(examples[i])
        seen[step].add(examples[i].case)
    return batches
