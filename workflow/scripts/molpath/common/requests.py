"""What a plan and the doctor read of a study."""

from __future__ import annotations

from typing import Any, TypedDict

from .settings.embed import Model
from .settings.features import Encoder


class GridNumbers(TypedDict, total=False):
    """A grid: patches per slide and pixels per patch, relative to 512 px at 20x without overlap."""

    name: str
    density: float
    area: float
    shards: list[str]
    left: dict[str, int]


class FeatureNumbers(TypedDict):
    """Features to extract: width, network, shards, and whether its weights are still to be fetched.

    network: of those built in, 'unknown', or '' where none runs. input_size: pixels that the config asks for, or 0.
    reads: whether patches are read from slides.
    """

    grid: GridNumbers
    encoder: str
    dim: int
    network: str
    reads: bool
    precision: str
    parameters: float
    input_size: int
    crops: int
    fetch: int
    shards: list[str]
    left: dict[str, int]


class RunNumbers(TypedDict):
    """A run: pairs, epochs, what a step sees, parameters of the expression branch without its output layers."""

    name: str
    pairs: int
    epochs: int
    patches: int
    genes: int
    rna_parameters: int
    processes: int
    precision: str
    left: bool


class ModelNumbers(TypedDict):
    """A model: what it reads, how wide its embedding is (1,024 where only its weights know), how much it embeds.

    foreign: kind of a slide encoder of others. gpu: 'needed', 'used' where there is one, or ''. left: share of its
    embeddings that is missing. probed: [task, group] whose metrics are there.
    """

    name: str
    grid: GridNumbers | None
    dim: int
    width: int
    network: bool
    foreign: str
    gpu: str
    shards: list[str]
    slides: int
    cases: int
    left: float
    probed: list[list[str]]


class TaskNumbers(TypedDict):
    """A task: samples, folds, classes, groups of protocols."""

    name: str
    samples: int
    slides: int
    folds: int
    classes: int
    survival: bool
    groups: list[str]


class TuningNumbers(TypedDict):
    """A fine-tuned model: relative patches per slide, width of a patch, epochs, tasks whose metrics are there."""

    name: str
    density: float
    dim: int
    epochs: int
    tuned: list[str]


class DownloadNumbers(TypedDict):
    """Files still to come: how many, bytes that their rows announce, and how many announce none."""

    files: int
    bytes: int
    unannounced: int


class MachineNumbers(TypedDict):
    """What the plan is for: name of a GPU ('': the one seen), how many, and cores (0: those of this machine)."""

    gpu: str
    gpus: int
    cores: int


class PlanRequest(TypedDict):
    """All that molpath/preflight/plan.py reads.

    shards: kept slides of each shard; kinds: of those, biopsies, resections, frozen sections ('': unknown). left: by
    stage, slides of each shard that it hasn't made. profiles_left: profiles in tables that are missing.
    """

    machine: MachineNumbers
    shards: dict[str, int]
    kinds: dict[str, dict[str, int]]
    left: dict[str, dict[str, int]]
    downloads: dict[str, DownloadNumbers]
    grids: list[GridNumbers]
    features: list[FeatureNumbers]
    profiles: dict[str, int]
    profiles_left: dict[str, int]
    stores: list[FeatureNumbers]
    runs: list[RunNumbers]
    models: list[ModelNumbers]
    tasks: list[TaskNumbers]
    transfers: list[TaskNumbers]
    transfers_left: int
    prompts: int
    prompts_left: int
    clusters: list[int]
    clusters_left: int
    finetune: list[TuningNumbers]
    sweep: int
    permutations: int
    survival_permutations: int
    few_shot_fits: int


class EncoderTrial(TypedDict):
    """A patch encoder in use: weights that the config names, `fetched`: where a rule puts those that it doesn't; its
    entry of the config and files of weights; pixels of a patch."""

    name: str
    adapter: str
    weights: str
    folder: str
    fetched: str
    revision: str
    config: Encoder
    files: list[str]
    edge: int


class SlideEncoderTrial(TypedDict):
    """A slide encoder of others in use: entry of the config, weights, numbers per patch."""

    name: str
    model: Model
    weights: str
    width: int


class SlideToRead(TypedDict):
    """A raw slide; made: a rule makes the file. mpp: as the sheet has it, '' for none."""

    slide_id: str
    path: str
    mpp: str
    made: bool


class PatchToRead(TypedDict):
    """Edge in pixels and resolution in µm per pixel."""

    size: int
    mpp: float


class DoctorRequest(TypedDict):
    """All that molpath/preflight/examination.py reads."""

    snakemake: str
    needed: str
    plugins: dict[str, str]
    profiles: list[str]
    deployment: list[str]
    results: str
    resources: str
    scratch: list[Any]
    plan: PlanRequest
    ask_hub: bool
    encoders: list[EncoderTrial]
    slide_encoders: list[SlideEncoderTrial]
    weights: dict[str, str]
    slides: list[SlideToRead]
    read_slides: int
    deadline_s: float
    patch: PatchToRead
    batch_bytes: int
    processes: int
    trains: bool
    networks: bool
