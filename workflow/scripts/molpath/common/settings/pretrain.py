"""An entry of pretrain/runs in the config."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NotRequired, TypedDict


class SlideEncoder(TypedDict):
    """pretrain/runs/<run>/slide_encoder."""

    kind: str
    hidden: int
    layers: int
    heads: int
    output: int
    dropout: float
    attention_dropout: float


class RnaEncoder(TypedDict):
    """pretrain/runs/<run>/rna_encoder."""

    kind: str
    width: int
    layers: int
    heads: int
    feedforward: int
    dropout: float
    standardise: bool
    checkpoint: str


class DnaEncoder(TypedDict):
    """pretrain/runs/<run>/dna_encoder."""

    genes: int
    hidden: int
    layers: int
    dropout: float


class ByBranch(TypedDict):
    """A number for each branch: training/learning_rate and training/weight_decay."""

    slide: float
    rna: float
    dna: float


class Training(TypedDict):
    """pretrain/runs/<run>/training."""

    seed: int
    epochs: int
    warmup_epochs: int
    batch_size: int
    micro_batch: int
    one_slide_per_case: bool
    processes: int
    joint: bool
    patches: int
    genes: int
    temperature: float
    learn_temperature: bool
    learning_rate: ByBranch
    final_learning_rate: float
    weight_decay: ByBranch
    precision: str
    select: str
    rankme_slides: int
    threads: int
    readers: int
    save_every: int


class Run(TypedDict):
    """One pretraining run. The rules add `name`, its key in the config, and `patches`: what tells other studies which
    patches it reads (study/finished_runs.py)."""

    name: str
    patches: NotRequired[Mapping[str, object]]
    grid: str
    encoder: str
    cohorts: list[str]
    modalities: list[str]
    fraction: float
    shuffle_pairs: NotRequired[bool]
    slide_encoder: SlideEncoder
    rna_encoder: RnaEncoder
    dna_encoder: DnaEncoder
    training: Training
