"""Clustering: do k-means clusters of embeddings follow the labels? ARI and mutual information (section 7.11)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from ..common.files import write_tsv
from ..common.settings.probe import Clustering
from .cohorts import Embeddings, Side, case_of, load_side
from .outputs import write_results
from .permuting import shuffled, stratified
from .results import Results
from .tasks import BadTask, Task
from .tsne import tsne

PRIMARY = "ari"


def agreement(labels: np.ndarray, clusters: np.ndarray) -> dict[str, float]:
    """Adjusted Rand index, mutual information (nats), normalised and adjusted mutual information of two partitions."""
    from sklearn import metrics

    return {
        "ari": metrics.adjusted_rand_score(labels, clusters),
        "mi": metrics.mutual_info_score(labels, clusters),
        "nmi": metrics.normalized_mutual_info_score(labels, clusters),
        "ami": metrics.adjusted_mutual_info_score(labels, clusters),
    }


def probe_clusters(task: Task, x: np.ndarray, k: int, settings: Clustering) -> Results:
    """k-means (10 starts) on all samples, once per seed; labels shuffled over the cases as a control, each
    beside the clusters of every seed (its repeat is permutation x seeds + seed).

    x: float N x D, raw. k = 0 takes the number of classes that occur. Raises BadTask for a survival task, and where
    there are fewer samples than clusters.
    """
    from sklearn.cluster import KMeans

    if task.is_survival:
        raise BadTask(f"{task.name}: a survival task has no classes to compare clusters with; take it out of clusters")
    k = k or len(np.unique(task.labels))
    if k > len(task.samples):
        raise BadTask(f"{task.name}: {k} clusters of {len(task.samples)} samples; give fewer in probe/cluster")
    results, clusterings = Results(task), []
    for repeat in range(settings["seeds"]):
        with threadpool_limits(1):
            seed = settings["seed"] + repeat
            clusters = KMeans(k, n_init=10, random_state=seed).fit_predict(x.astype(np.float64))
        clusterings.append(clusters)
        add_rows(results, "kmeans", repeat, k, agreement(task.labels, clusters))
        table = pd.DataFrame({"sample_id": task.samples, "case_id": case_of(task), "protocol": "kmeans", "shots": 0})
        table["repeat"], table["fold"] = repeat, 0
        results.predictions.append(table.assign(label=task.labels, cluster=clusters))
    for repeat in range(settings["permutations"]):
        labels = task.labels[shuffled(task, settings["seed"], repeat)]
        for seed, clusters in enumerate(clusterings):
            add_rows(results, "kmeans_permuted", repeat * len(clusterings) + seed, k, agreement(labels, clusters))
    return results


def add_rows(results: Results, protocol: str, repeat: int, k: int, values: Mapping[str, float]) -> None:
    """One row per metric; nothing is trained, every sample counts."""
    row = {"protocol": protocol, "shots": 0, "repeat": repeat, "fold": 0, "n_train": 0}
    row |= {"n_test": len(results.task.samples), "note": f"k = {k}"}
    results.metrics += [row | {"metric": metric, "value": value} for metric, value in values.items()]


def run_clusters(
    *,
    task: Side,
    files: Embeddings,
    model: str,
    k: int,
    settings: Clustering,
    outputs: Mapping[str, str],
) -> None:
    """Write predictions.parquet (clusters by seed), metrics.tsv, summary.tsv and tsne.tsv (sample_id, x, y, label).

    se and interval of the summary are over seeds of k-means, those of the control over permutations.
    """
    embedded, x, absent = load_side(task, files, settings.get("missing", "set_aside"))
    results = probe_clusters(stratified(embedded, settings), x, k, settings)
    head = {"task": task.name, "model": model, "group": "cluster"}
    write_results(results, outputs, head, settings, absent, PRIMARY)
    points = tsne(x, settings["seed"])
    class_names = [embedded.classes[code] for code in embedded.labels]
    table = pd.DataFrame({"sample_id": embedded.samples, "x": points[:, 0], "y": points[:, 1], "label": class_names})
    write_tsv(outputs["tsne"], table)
