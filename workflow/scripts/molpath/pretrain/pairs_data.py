"""What a training step sees: bags of patches, gene tokens with values, flags."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import anndata
import numpy as np
import torch

from ..common.files import read_tsv
from .molecular_encoders import CLS, PAD_VALUE
from .store import PatchStore


class UnfitProfiles(Exception):
    """Profiles a run can't train on."""


@dataclass
class Example:
    """One slide with the rows of its profiles (-1 where it has none of a kind)."""

    slide_id: str
    case: int
    rna: int = -1
    dna: int = -1


@dataclass
class PairedData:
    """All examples of a run, its patches, and its profiles as arrays in memory."""

    examples: list[Example]
    store: PatchStore
    rna_values: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    rna_tokens: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    flags: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))


def read_tables(paths: Sequence[str]) -> anndata.AnnData | None:
    """Tables of several cohorts below each other, (chosen) genes that all of them have; None if there are none."""
    tables = [chosen_genes(anndata.read_h5ad(path)) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if table.uns["value"] == "zscore":
            raise UnfitProfiles(f"{path} holds z-scores, scaled over their own cohort; give counts or TPM")
    if not tables:
        return None
    values = {str(table.uns["value"]) for table in tables}
    if len(values) > 1:
        raise UnfitProfiles(f"{', '.join(paths)} hold {' and '.join(sorted(values))}; a run needs one kind of value")
    join = "outer" if tables[0].uns["value"] == "flags" else "inner"
    return anndata.concat(tables, join=join, fill_value=0) if len(tables) > 1 else tables[0]


def chosen_genes(table: anndata.AnnData) -> anndata.AnnData:
    """The genes that the config selects (omics/select), all where it selects none."""
    return table[:, table.var["selected"].to_numpy(bool)].copy() if "selected" in table.var else table


def gather(pairs: str, store: PatchStore, cohorts: Sequence[str], rna, dna) -> list[Example]:
    """Examples of the cohorts in the order of pairs.tsv: one a slide, one more for each further profile of a kind."""
    table = read_tsv(pairs)
    table = table[(table.status == "paired") & table.cohort.isin(cohorts) & table.slide_id.isin(store.place)]
    rows = {
        "rna": {} if rna is None else {name: i for i, name in enumerate(rna.obs_names)},
        "dna": {} if dna is None else {name: i for i, name in enumerate(dna.obs_names)},
    }
    cases = {case: i for i, case in enumerate(dict.fromkeys(table.case_id))}
    examples: list[Example] = []
    for (slide_id, case_id), group in table.groupby(["slide_id", "case_id"], sort=False):
        found = {
            kind: [rows[kind][p] for p in group.profile_id[group.modality == kind] if p in rows[kind]] for kind in rows
        }
        for index in range(max(len(found["rna"]), len(found["dna"]))):
            one = {kind: positions[index] if index < len(positions) else -1 for kind, positions in found.items()}
            examples.append(Example(slide_id, cases[case_id], **one))
    if len(examples) < 2:
        raise UnfitProfiles("fewer than two slides are paired with a profile of these cohorts; see omics/pairs.tsv")
    return examples


def bags(store: PatchStore, slide_ids: Sequence[str], count: int | None, rng) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches (float32 B x N x D, zero-padded) and mask (bool B x N) of some slides."""
    parts = [store.sample(slide_id, count, rng) for slide_id in slide_ids]
    longest = max(len(part) for part in parts)
    patches = np.zeros((len(parts), longest, store.dim), np.float32)
    mask = np.zeros((len(parts), longest), bool)
    for index, part in enumerate(parts):
        patches[index, : len(part)] = part
        mask[index, : len(part)] = True
    return torch.from_numpy(patches), torch.from_numpy(mask)


def gene_tokens(
    values: np.ndarray, tokens: np.ndarray, vocabulary: Mapping[str, int], count: int | None, rng
) -> tuple[torch.Tensor, torch.Tensor]:
    """Tokens (int B x G) and values (float32 B x G), CLS first, of profiles (`values`: B x genes).

    Each profile shows `count` random genes of its own, all if it has no more or count is None.
    """
    chosen_tokens, chosen_values = np.broadcast_to(tokens, values.shape), values
    if count is not None and count < values.shape[1]:
        columns = np.sort(np.argpartition(rng.random(values.shape), count, axis=1)[:, :count], axis=1)
        chosen_tokens = tokens[columns]
        chosen_values = np.take_along_axis(values, columns, axis=1)
    first = np.full((len(values), 1), vocabulary[CLS], np.int64)
    start = np.full((len(values), 1), PAD_VALUE, np.float32)
    return (
        torch.from_numpy(np.concatenate([first, chosen_tokens], 1)),
        torch.from_numpy(np.concatenate([start, chosen_values.astype(np.float32)], 1)),
    )
