"""Retrieval: AP@k by hand, perfect and chance databases, exact ties, blocks, intervals."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe import retrieval
from molpath.probe.jobs import INTERVALS
from molpath.probe.outputs import summarise_with
from molpath.probe.retrieval import nearest, probe_retrieval
from molpath.probe.tasks import Task

SETTINGS = {"permutations": 0, "bootstraps": 50, "seed": 0}


def task_of(labels, sides, classes=("a", "b")):
    """A task whose samples are S000, S001, …; sides: one row per sample, one column per fold."""
    names = [f"S{i:03d}" for i in range(len(labels))]
    return Task("t--y", "slide_id", names, np.array(labels), list(classes), np.array(sides, object), ["bacc"])


def table_of(results, protocol="retrieval"):
    rows = pd.DataFrame(results.metrics)
    return rows[rows.protocol == protocol].groupby("metric").value.mean()


def slow_map(x, labels, train, test, k):
    """mAP@k by one loop over queries and ranks, as the formula reads."""
    total = 0.0
    for query in test:
        order = sorted(train, key=lambda row: (np.sqrt(np.sum((x[row] - x[query]) ** 2)), row))[:k]
        hits = [labels[row] == labels[query] for row in order]
        total += sum(hit * sum(hits[: rank + 1]) / (rank + 1) for rank, hit in enumerate(hits)) / k
    return total / len(test)


def test_average_precision_of_a_line_of_neighbours_by_hand():
    """Neighbours of the query in order: hit, miss, hit, miss, miss. AP@1 = 1; AP@5 = (1 + 2/3) / 5."""
    x = np.array([[0.0], [1], [2], [3], [4], [5]], np.float32)
    task = task_of([1, 1, 0, 1, 0, 0], [["test"]] + [["train"]] * 5)
    results = probe_retrieval(task, x, SETTINGS)
    row_of = {row["metric"]: row for row in results.metrics}
    assert row_of["mAP@1"]["value"] == 1
    assert row_of["mAP@5"]["value"] == pytest.approx((1 + 2 / 3) / 5)
    assert np.isnan(row_of["mAP@10"]["value"])
    assert row_of["mAP@10"]["note"] == "the database holds 5 samples, fewer than 10"
    assert results.predictions[0].nearest.tolist() == ["S001 S002 S003 S004 S005"]


def test_every_fold_equals_a_plain_loop(monkeypatch):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    x = rng.normal(size=(60, 7)).astype(np.float32)
    sides = np.where(rng.random((60, 3)) < 0.7, "train", "test").astype(object)
    task = task_of(labels, sides, "abc")
    whole = pd.DataFrame(probe_retrieval(task, x, SETTINGS).metrics)
    monkeypatch.setattr(retrieval, "BLOCK_NUMBERS", 90)  # two or three queries a block, a dozen candidates
    blocks = pd.DataFrame(probe_retrieval(task, x, SETTINGS).metrics)
    pd.testing.assert_frame_equal(whole, blocks)
    for row in whole.itertuples():
        train, test = (np.flatnonzero(sides[:, row.fold] == side) for side in ("train", "test"))
        assert row.value == pytest.approx(slow_map(x.astype(float), labels, train, test, int(row.metric[4:])))


def test_separate_classes_are_found_and_shuffled_ones_score_at_chance():
    rng = np.random.default_rng(1)
    labels = np.arange(400) % 4
    x = rng.normal(size=(400, 16)) + 20 * np.eye(16)[labels]
    task = task_of(labels, [["test" if i < 100 else "train"] for i in range(400)], "abcd")
    results = probe_retrieval(task, x, SETTINGS | {"permutations": 40})
    assert (table_of(results) == 1).all()
    shuffled = table_of(results, "retrieval_permuted")
    assert abs(shuffled["mAP@1"] - 0.25) < 0.03  # four classes of one size
    noise = probe_retrieval(task, rng.normal(size=(400, 16)), SETTINGS)
    assert table_of(noise)["mAP@1"] < 0.4


def test_equal_distances_are_ordered_by_name_whatever_the_blocks(monkeypatch):
    """Every database vector occurs five times, shuffled: the first ids of a group come first, in any block size."""
    rng = np.random.default_rng(2)
    base = rng.normal(size=(40, 33)).astype(np.float32) * 50
    which = rng.permutation(np.repeat(np.arange(40), 5))
    names = np.array([f"N{i:03d}" for i in rng.permutation(200)])
    queries = base[:10] + rng.normal(size=(10, 33)).astype(np.float32)
    places = nearest(base[which], queries, 7, names)
    for numbers in (1, 450, 10**6):
        monkeypatch.setattr(retrieval, "BLOCK_NUMBERS", numbers)
        np.testing.assert_array_equal(nearest(base[which], queries, 7, names), places)
    far = np.linalg.norm(base[None].astype(float) - queries[:, None], axis=2).argsort(1)
    for row, order in zip(places, far, strict=True):
        first = sorted(names[which == order[0]])
        assert names[row].tolist() == first + sorted(names[which == order[1]])[:2]


def test_a_collapsed_model_gives_the_first_names():
    names = np.array([f"N{i}" for i in range(9)][::-1])
    places = nearest(np.ones((9, 4)), np.ones((2, 4)), 3, names)
    assert names[places].tolist() == [["N0", "N1", "N2"]] * 2


def test_interval_of_resampled_queries_and_survival_without_result():
    rng = np.random.default_rng(3)
    labels = np.arange(120) % 2
    x = rng.normal(size=(120, 5)) + labels[:, None]
    sides = [["test" if i % 3 == fold else "train" for fold in range(3)] for i in range(120)]
    results = probe_retrieval(task_of(labels, sides), x, SETTINGS)
    predictions = pd.concat(results.predictions)
    over = summarise_with(pd.DataFrame(results.metrics), predictions, 400, 0, INTERVALS).set_index("metric")
    for k in (1, 5, 10):
        row = over.loc[f"mAP@{k}"]
        per_query = predictions.groupby("fold")[f"ap_{k}"]
        assert row["mean"] == pytest.approx(per_query.mean().mean())
        expected = 1.96 * np.sqrt((per_query.var(ddof=0) / per_query.size()).sum()) / 3  # of a mean of three means
        assert (row.upper - row.lower) / 2 == pytest.approx(expected, rel=0.15)
    survival = task_of([0] * 120, sides)
    survival.times, survival.events = np.ones(120), np.ones(120, bool)
    notes = pd.DataFrame(probe_retrieval(survival, x, SETTINGS).metrics)
    assert notes.value.isna().all()
    assert set(notes.note) == {"a survival task has no classes"}
