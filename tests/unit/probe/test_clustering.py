"""Clustering: perfect and unrelated clusters, the measures from a contingency table, t-SNE, bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from around_files import SETTINGS, outputs_of, write_embeddings, write_task
from molpath.common.files import read_tsv
from molpath.probe.clustering import agreement, run_clusters
from molpath.probe.cohorts import Embeddings
from molpath.probe.tasks import BadTask


def clusters(folder, task, cases, k=0, **settings):
    outputs = outputs_of(folder, "tsne")
    model = {"files": Embeddings("none", cases), "model": "m", "k": k, "settings": SETTINGS | settings}
    run_clusters(task=task, outputs=outputs, **model)
    return outputs


def means_of(outputs):
    table = read_tsv(outputs["summary"])
    return table.astype({"mean": float}).set_index(["protocol", "metric"])["mean"]


def blobs(tmp_path, spread):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [30, 20, 10])
    names = [f"C{i}" for i in range(60)]
    x = rng.normal(size=(60, 5)) + spread * np.eye(5)[labels]
    cases = write_embeddings(tmp_path / "cases.h5ad", names, x)
    return labels, cases, write_task(tmp_path / "T", names, labels, words=("a", "b", "c"))


def test_perfect_clusters(tmp_path):
    labels, cases, task = blobs(tmp_path, 40)
    outputs = clusters(tmp_path / "out", task, cases, permutations=200)
    means = means_of(outputs)
    shares = np.array([30, 20, 10]) / 60
    assert means["kmeans", "ari"] == 1
    assert means["kmeans", "mi"] == pytest.approx(-(shares * np.log(shares)).sum())  # all of the labels' entropy
    assert means["kmeans", "nmi"] == pytest.approx(1)
    assert means["kmeans", "ami"] == pytest.approx(1)
    assert abs(means["kmeans_permuted", "ari"]) < 0.02  # chance is 0 for both adjusted measures
    assert abs(means["kmeans_permuted", "ami"]) < 0.02
    assert means["kmeans_permuted", "mi"] > 0.01  # and not for the plain one, which is why it is shown
    predictions = pd.read_parquet(outputs["predictions"])
    assert predictions.groupby("repeat").cluster.nunique().tolist() == [3, 3, 3]
    assert predictions.label.tolist() == labels.tolist() * 3
    points = read_tsv(outputs["tsne"])
    assert points.label.tolist() == [["a", "b", "c"][code] for code in labels]
    xy = points[["x", "y"]].astype(float).to_numpy()
    centres = np.stack([xy[labels == code].mean(0) for code in range(3)])
    np.testing.assert_array_equal(np.linalg.norm(xy[:, None] - centres, axis=2).argmin(1), labels)


def test_unrelated_clusters_and_same_bytes(tmp_path):
    _, cases, task = blobs(tmp_path, 0)
    outputs = clusters(tmp_path / "out", task, cases, k=4)
    assert abs(means_of(outputs)["kmeans", "ari"]) < 0.12
    assert set(read_tsv(outputs["metrics"]).note) == {"k = 4"}
    again = clusters(tmp_path / "again", task, cases, k=4)
    for name, path in outputs.items():
        assert Path(path).read_bytes() == Path(again[name]).read_bytes()


def test_measures_from_the_contingency_table():
    rng = np.random.default_rng(4)
    labels, clusters_drawn = rng.integers(0, 3, 200), rng.integers(0, 4, 200)
    clusters_drawn[:100] = labels[:100]
    counts = np.zeros((3, 4))
    for a, b in zip(labels, clusters_drawn, strict=True):
        counts[a, b] += 1
    joint = counts / 200
    outer = joint.sum(1, keepdims=True) * joint.sum(0)
    mutual = sum(p * np.log(p / q) for p, q in zip(joint.ravel(), outer.ravel(), strict=True) if p > 0)
    pairs = lambda n: (n * (n - 1) / 2).sum()  # noqa: E731
    rows, columns, both = pairs(counts.sum(1)), pairs(counts.sum(0)), pairs(counts)
    chance = rows * columns / (200 * 199 / 2)
    values = agreement(labels, clusters_drawn)
    assert values["mi"] == pytest.approx(mutual)
    assert values["ari"] == pytest.approx((both - chance) / ((rows + columns) / 2 - chance))


def test_a_collapsed_model_and_bad_tasks(tmp_path):
    names = [f"C{i}" for i in range(12)]
    same = write_embeddings(tmp_path / "same.h5ad", names, np.ones((12, 3)))
    task = write_task(tmp_path / "T", names, np.arange(12) % 2)
    means = means_of(clusters(tmp_path / "out", task, same))
    assert means["kmeans", "ari"] == 0
    assert set(read_tsv(tmp_path / "out/tsne").x.astype(float)) == {0.0}
    survival = write_task(tmp_path / "S", names, [0] * 12, survival=([5] * 12, [1] * 12))
    with pytest.raises(BadTask, match="a survival task has no classes"):
        clusters(tmp_path / "no", survival, same)
    with pytest.raises(BadTask, match="20 clusters of 12 samples"):
        clusters(tmp_path / "no", task, same, k=20)
