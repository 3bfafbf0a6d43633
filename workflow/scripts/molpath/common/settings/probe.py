"""What functions receive of section probe of the config."""

from __future__ import annotations

from typing import TypedDict


class CoxException(TypedDict):
    """An entry of probe/cox/exceptions; an empty task or model means all."""

    task: str
    model: str
    alpha: float


class Pair(TypedDict):
    """An entry of probe/robustness: a column or task, and a column."""

    biological: str
    technical: str


class Cox(TypedDict):
    """probe/cox."""

    alpha: float
    alphas: dict[str, float]
    exceptions: list[CoxException]
    l1_ratio: float
    ridge_alpha: float
    times: list[float]
    max_iter: int


class Solvers(TypedDict):
    """The solvers of the frozen probes."""

    C: float
    max_iter: int
    plain: bool
    scale: str
    cox: Cox


class Summary(TypedDict):
    """What every job reads."""

    bootstraps: int
    missing: str
    seed: int


class Probe(Solvers, Summary):
    """Frozen probes, few-shot probes, retrieval and prompting, with their controls."""

    C_sweep: list[float | str]
    nested_C: list[float]
    ridge_alphas: list[float]
    mlp_hidden: int
    further: list[str]
    site_folds: list[str]
    neighbours: int
    shots: list[int]
    repeats: int
    controls: list[str]
    permutations: int
    survival_permutations: int
    permutations_within: str


class Clustering(Probe):
    """Clustering; the rule adds `seeds` of probe/cluster."""

    seeds: int


class Recipe(TypedDict):
    """An entry of probe/finetune/recipes: how a kind of model is trained."""

    epochs: int
    warmup_epochs: float
    learning_rate: float
    final_learning_rate: float
    weight_decay: float
    patches: int
    precision: str


class FineTune(TypedDict):
    """probe/finetune, without the models."""

    seed: int
    threads: int
    patches_at_test: str
    survival_outputs: int
    recipes: dict[str, Recipe]


class FineTuneJob(Summary):
    """A fine-tuning job."""

    finetune: FineTune
