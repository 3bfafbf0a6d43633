"""Molecular prompting: classes described by molecular profiles, slides and cases assigned without training (7.9).

Profiles of a labelled support cohort, embedded by a model's RNA or DNA branch and averaged over each class, are the
prompts; a query takes the class of the nearest one in L2. Survival: the prompts are the uncensored support cases that
lived longest (low risk) and shortest (high risk), a quarter each. The baseline does the same with the slide
embeddings of the support cases for profiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..common.settings.probe import Probe
from ..omics.sample_types import stands_for_its_case
from .cohorts import Embeddings, Side, case_of, check_disjoint, load_side, load_support
from .embeddings import EmbeddingTable
from .outputs import write_results
from .permuting import control_of, permutations_of, shuffled, stratified
from .probes import ProbeFailed
from .results import TIMES, Predict, Results, sides
from .samples import check_finite
from .tasks import Task
from .transfer import joined

#: Share of the uncensored support cases that makes each survival prompt.
QUARTER = 0.25


def profiles_by_case(profiles: EmbeddingTable, modality: str) -> pd.DataFrame:
    """Embeddings (float32) of a modality's profiles by case: index case_id; the mean where a case has several. Those of
    normal tissue count only where a case has no others."""
    table = pd.DataFrame(profiles.vectors, index=pd.Index(profiles.columns["case_id"], name="case_id"))
    of_modality = np.array(profiles.columns["modality"]) == modality
    kinds = np.array(profiles.columns.get("sample_type", [""] * len(of_modality)))
    chosen = table[of_modality]
    return chosen[stands_for_its_case(chosen.index, kinds[of_modality])].groupby(level=0, sort=True).mean()


def class_prompts(vectors: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Mean vector (float64 classes x D) of each class; raises ProbeFailed where a class has none."""
    absent = [code for code in range(classes) if not (labels == code).any()]
    if absent:
        raise ProbeFailed(f"no support sample of class {absent[0]}")
    return np.stack([vectors[labels == code].mean(0, dtype=np.float64) for code in range(classes)])


def survival_prompts(vectors: np.ndarray, times: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Low-risk and high-risk prompt (float64 2 x D): means over the quarters of the uncensored that lived longest and
    shortest. Raises ProbeFailed with fewer than four uncensored ones."""
    died = np.flatnonzero(events)
    count = int(len(died) * QUARTER)
    if count < 1:
        raise ProbeFailed(f"{len(died)} uncensored support samples; prompts need at least 4")
    order = died[np.argsort(times[died], kind="stable")]
    return np.stack([vectors[part].mean(0, dtype=np.float64) for part in (order[-count:], order[:count])])


def distances(x: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """L2 distances (float64 N x prompts)."""
    return np.linalg.norm(x[:, None].astype(np.float64) - prompts, axis=2)


def class_scores(x: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Scores (float N x classes, rows sum to 1): softmax of minus the distances, the nearest prompt scores most.

    Distances are divided by the mean distance between prompts, a number of the support alone. With two classes the
    score rises with the difference of the two distances and that quotient stays within -1 and 1, so nothing saturates.
    """
    from scipy.spatial.distance import pdist
    from scipy.special import softmax

    scale = pdist(prompts).mean()
    if not scale > 0:
        raise ProbeFailed("all prompts are the same vector")
    return softmax(-distances(x, prompts) / scale, axis=1)


def survival_risk(x: np.ndarray, prompts: np.ndarray) -> np.ndarray:
    """Distance to the low-risk prompt minus distance to the high-risk one: larger is worse.

    The paper states the opposite difference, under which nearness to the low-risk prompt would be risk; its sign is
    turned for the c-index.
    """
    low, high = distances(x, prompts).T
    return low - high


def probe_prompts(task: Task, x: np.ndarray, support: Mapping[str, np.ndarray], settings: Probe) -> Results:
    """Prompts of the train side of every fold, queries of its test side.

    x: float N x D, query embeddings; support: by protocol (prompt_rna, prompt_dna, prompt_slides) the vectors of the
    samples (float N x D, rows of nan where a sample has none). Repeated with labels (times with events) shuffled over
    the cases, as a control for each protocol (protocol + "_permuted").
    """
    results = Results(task, settings.get("cox", {}).get("times", TIMES))
    for protocol, vectors in support.items():
        has_vector = np.isfinite(vectors).all(1)
        for fold in range(task.folds.shape[1]):
            train, test = sides(task, fold)
            train = train[has_vector[train]]
            results.add(protocol, fold, train, test, predictor(task, x, vectors, np.arange(len(task.samples))))
            for repeat in range(permutations_of(task, settings)):
                order = shuffled(task, settings["seed"], repeat)
                predict = predictor(task, x, vectors, order)
                results.add(control_of(protocol), fold, train, test, predict, repeat=repeat, order=order)
    return results


def predictor(task: Task, x: np.ndarray, vectors: np.ndarray, order: np.ndarray) -> Predict:
    """Function of (train, test) positions: risk (N_test) or scores (N_test x classes) by prompts of train.

    order: positions whose labels, or times and events, the samples take.
    """

    def predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
        permuted = order[train]
        if task.is_survival:
            times, events = task.survival
            return survival_risk(x[test], survival_prompts(vectors[train], times[permuted], events[permuted]))
        return class_scores(x[test], class_prompts(vectors[train], task.labels[permuted], len(task.classes)))

    return predict


def run_prompts(
    *,
    name: str,
    support: Side,
    query: Side,
    files: Embeddings,
    profiles: str,
    modalities: list[str],
    normalise: bool,
    model: str,
    settings: Probe,
    outputs: Mapping[str, str],
) -> None:
    """Write the three files of a prompting task.

    The same task on both sides: prompts of each fold's train side. Two tasks: prompts of all of the first, queries all
    of the second; a support case needs no slide then, and n_train says how many samples made the prompts.
    profiles: h5ad, or "" where the model has no molecular branch (then only the baseline runs).
    normalise: every vector is scaled to length 1 first (contrastive training looks at angles; the paper has raw L2).
    """
    task, x, absent = prompted(name, support, query, files, settings)
    vectors = {"prompt_slides": x} | molecular(task, profiles, modalities)
    if normalise:
        x = unit_length(x)
        vectors = {protocol: unit_length(values) for protocol, values in vectors.items()}
    results = probe_prompts(task, x, vectors, settings)
    head = {"task": name, "model": model, "group": "prompt"}
    write_results(results, outputs, head, settings, absent)


def prompted(name: str, support: Side, query: Side, files: Embeddings, settings: Probe) -> tuple[Task, np.ndarray, int]:
    """Task of both sides, embeddings (float N x D; nan of support cases without slides), how many are missing."""
    is_same_task = support.name == query.name
    task, x, absent = load_side(query, files, settings.get("missing", "set_aside"), folds_needed=is_same_task)
    task = stratified(task, settings)
    if is_same_task:
        return task, x, absent
    first, x_first = load_support(support, files)
    check_disjoint(first, task)
    if x_first.shape[1] != x.shape[1]:  # no sample of the support has slides
        x_first = np.full((len(x_first), x.shape[1]), np.nan, np.float32)
    return joined(name, first, task), np.concatenate([x_first, x]), absent


def molecular(task: Task, profiles: str, modalities: Sequence[str]) -> dict[str, np.ndarray]:
    """Embedded profiles by protocol (float N x D, rows of nan of samples without); none without a file of profiles."""
    if not profiles or not modalities:
        return {}
    profile_vectors = EmbeddingTable.read(profiles)
    check_finite(profile_vectors.vectors, profile_vectors.ids, "profile_id", profiles)
    tables = {modality: profiles_by_case(profile_vectors, modality) for modality in modalities}
    return {f"prompt_{name}": table.reindex(case_of(task)).to_numpy() for name, table in tables.items() if len(table)}


def unit_length(x: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1."""
    return x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
