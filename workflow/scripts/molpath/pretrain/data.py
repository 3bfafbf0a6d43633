"""The pairs of a run, and what a training step sees of them: patches, gene tokens, flags, read ahead."""

from __future__ import annotations

import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import anndata
import numpy as np
import torch

from ..common.files import read_tsv
from ..common.settings.pretrain import Training
from .distributed import World
from .molecular_encoders import CLS, PAD, PAD_VALUE
from .parts import sample_evenly, shuffled_pairs
from .profiles import UnfitProfiles
from .readers import Ring, Slot, readers_of
from .store import PatchStore

log = logging.getLogger(__name__)

MODALITIES = ("rna", "dna")


@dataclass
class Example:
    """One slide with the rows of its profiles (-1 where it has none of a kind)."""

    slide_id: str
    case: int
    rna: int = -1
    dna: int = -1


@dataclass
class PairedData:
    """All examples of a run, its patches, and its profiles as arrays in memory.

    rna_values: float32 profiles x genes of all cohorts, NaN where a profile's cohort hasn't chosen or measured a gene.
    flags: uint8 profiles x flags, 0 or 1.
    """

    examples: list[Example]
    store: PatchStore
    rna_values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    rna_tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    flags: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))


def gather(
    pairs: str,
    store: PatchStore,
    cohorts: Sequence[str],
    rna: anndata.AnnData | None,
    dna: anndata.AnnData | None,
    fraction: float = 1.0,
    organs: Mapping[str, str] | None = None,
    shuffle: int | None = None,
) -> list[Example]:
    """Examples of the cohorts in the order of pairs.tsv: one per slide, one more for each further profile of a kind.

    rna, dna: None where the run doesn't read that kind; slides paired with nothing else are left out. fraction: share
    of each cohort's slides, taken evenly over their `organs` (organ of each slide id). shuffle: seed of a control whose
    slides get the profiles of other cases; None: the pairs as they are. Raises UnfitProfiles for a paired profile that
    no table holds, and as check_cases does.
    """
    table = read_tsv(pairs)
    read = [name for name, profiles in (("rna", rna), ("dna", dna)) if profiles is not None]
    is_used = (table.status == "paired") & table.cohort.isin(cohorts) & table.modality.isin(read)
    table = table[is_used & table.slide_id.isin(store.place)]
    if fraction < 1:
        chosen = set()
        for _, group in table.groupby("cohort", sort=False):
            chosen |= sample_evenly(dict.fromkeys(group.slide_id), organs or {}, fraction)
        table = table[table.slide_id.isin(chosen)]
    if shuffle is not None:
        table = shuffled_pairs(table, shuffle)
    rows = {
        "rna": {} if rna is None else {name: i for i, name in enumerate(rna.obs_names)},
        "dna": {} if dna is None else {name: i for i, name in enumerate(dna.obs_names)},
    }
    names = zip(table.profile_id, table.modality, strict=True)
    if absent := sorted({name for name, kind in names if name not in rows[kind]}):
        raise UnfitProfiles(
            f"{len(absent)} paired profiles are in no table of the run: {', '.join(absent[:5])}. {pairs} was made of "
            "other tables: make both again"
        )
    cases = {case: i for i, case in enumerate(dict.fromkeys(table.case_id))}
    examples: list[Example] = []
    for (slide_id, case_id), group in table.groupby(["slide_id", "case_id"], sort=False):
        rows_of_kind = {kind: [rows[kind][p] for p in group.profile_id[group.modality == kind]] for kind in rows}
        for index in range(max(len(rows_of_kind["rna"]), len(rows_of_kind["dna"]))):
            example_rows = {
                kind: positions[index] if index < len(positions) else -1 for kind, positions in rows_of_kind.items()
            }
            examples.append(Example(slide_id, cases[case_id], **example_rows))
    check_cases(examples, read, fraction)
    return examples


def check_cases(examples: Sequence[Example], read: Sequence[str], fraction: float) -> None:
    """Raises UnfitProfiles for a branch that could not learn: slides and profiles of one case are not negatives of each
    other, so that no step would have a term for it, and its random weights would pass for a finished model."""
    for name in read:
        count = len({examples[i].case for i in rows_with(examples, name)})
        if count < 2:
            part = f" in the run's fraction ({fraction:g}) of the slides" if fraction < 1 else ""
            remedy = "raise fraction, " if fraction < 1 else ""
            raise UnfitProfiles(
                f"fewer than two cases ({count}) have both a slide and a profile ({name}) of these cohorts{part}, and "
                f"a branch learns from differences between cases: {remedy}add cases, or take {name} out of the run's "
                "modalities (omics/pairs.tsv says what is paired)"
            )


@dataclass
class Batch:
    """A batch of all ranks as a list of examples, and the numbers of this rank's share of it.

    patches: float16 T x D, stacked bags, with `lengths`. profiles: by modality what its branch takes, one
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
    return [i for i, example in enumerate(examples) if getattr(example, name) >= 0]


def gene_tokens(
    values: np.ndarray, tokens: np.ndarray, vocabulary: Mapping[str, int], columns: np.ndarray | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (int B x G) and values (float32 B x G), CLS first, of profiles (`values`: B x genes, NaN where absent).

    columns: int B x G-1, the genes that each profile shows; None for all. Genes that a profile lacks are left out, and
    shorter profiles end in paddings.
    """
    chosen_tokens, chosen_values = np.broadcast_to(tokens, values.shape), values
    if columns is not None:
        chosen_tokens, chosen_values = tokens[columns], np.take_along_axis(values, columns, axis=1)
    absent = np.isnan(chosen_values)
    if absent.any():
        longest = int((~absent).sum(1).max())
        order = np.argsort(absent, axis=1, kind="stable")[:, :longest]  # present genes come first, in their order
        chosen_tokens, chosen_values, absent = (
            np.take_along_axis(array, order, axis=1) for array in (chosen_tokens, chosen_values, absent)
        )
        chosen_tokens = np.where(absent, vocabulary[PAD], chosen_tokens)
        chosen_values = np.where(absent, np.float32(PAD_VALUE), chosen_values)
    first = np.full((len(values), 1), vocabulary[CLS], np.int64)
    start = np.full((len(values), 1), PAD_VALUE, np.float32)
    return (
        torch.from_numpy(np.concatenate([first, chosen_tokens], 1)),
        torch.from_numpy(np.concatenate([start, chosen_values.astype(np.float32)], 1)),
    )


class Loader:
    """Draws batches. Every rank draws for all of them, the same numbers, and reads its own share."""

    def __init__(
        self,
        data: PairedData,
        settings: Training,
        vocabulary: Mapping[str, int],
        modalities: Sequence[str],
        world: World,
    ):
        self.data, self.settings, self.vocabulary, self.world = data, settings, vocabulary, world
        self.modalities = modalities
        self.ring = Ring(readers_of(settings), world.device)

    def draw(self, examples: list[Example], rng: np.random.Generator, slot: Slot) -> Batch:
        """A batch with its patches in the slot; a modality takes part where two cases at least have a profile."""
        world, count = self.world, self.settings["patches"]
        firsts = [self.data.store.first(example.slide_id, count, rng) for example in examples]
        share = world.share(examples)
        bags = slot.start(self.data.store, [example.slide_id for example in share], count, world.share(firsts))
        batch = Batch(examples, share, bags.patches, bags.lengths)
        for name in self.modalities:
            having = rows_with(examples, name)
            if len({examples[i].case for i in having}) < 2:
                continue
            batch.rows[name] = rows_with(share, name)
            local_rows = [number for number, i in enumerate(having) if i % world.size == world.rank]
            batch.profiles[name] = getattr(self, f"_{name}")(
                [getattr(examples[i], name) for i in having], local_rows, rng
            )
        batch.after = dict(rng.bit_generator.state)
        bags.wait()
        return batch

    def _rna(
        self, rows: list[int], local_rows: list[int], rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        count, genes, columns = self.settings["genes"], self.data.rna_values.shape[1], None
        values = self.data.rna_values[[rows[i] for i in local_rows]]
        if count < genes:
            chance = rng.random((len(rows), genes))[local_rows]
            chance[np.isnan(values)] = 1.0  # after all genes that the profile has
            columns = np.sort(np.argpartition(chance, count, axis=1)[:, :count], axis=1)
        return gene_tokens(values, self.data.rna_tokens, self.vocabulary, columns)

    def _dna(self, rows: list[int], local_rows: list[int], rng: np.random.Generator) -> tuple[torch.Tensor]:
        return (torch.from_numpy(self.data.flags[[rows[i] for i in local_rows]].astype(np.float32)),)

    def ahead(self, batches: Sequence[list[Example]], rng: np.random.Generator) -> Generator[Batch]:
        """The batches in order, the next one being read meanwhile; see Ring.ahead."""
        return self.ring.ahead(batches, lambda examples, slot: self.draw(examples, rng, slot))


def split_epoch(
    examples: Sequence[Example], order: Sequence[int] | np.ndarray, steps: int, one_slide_per_case: bool
) -> list[list[Example]]:
    """Batches of an epoch: every steps-th example of the order, or so that no case is twice in a batch."""
    if not one_slide_per_case:
        return [[examples[i] for i in order[step::steps]] for step in range(steps)]
    batches: list[list[Example]] = [[] for _ in range(steps)]
    cases_of_step: list[set[int]] = [set() for _ in range(steps)]
    for i in order:
        open_steps = [step for step in range(steps) if examples[i].case not in cases_of_step[step]]
        step = min(open_steps, key=lambda step: len(batches[step]))
        batches[step].append(examples[i])
        cases_of_step[step].add(examples[i].case)
    return batches
