"""Molecular prompts: planted ones are found, the formulas by hand, survival's sign, controls at chance, bad input."""

import numpy as np
import pandas as pd
import pytest
from around_files import SETTINGS, outputs_of, write_embeddings, write_task
from molpath.common.files import read_tsv
from molpath.probe.cohorts import Embeddings
from molpath.probe.embeddings import EmbeddingTable
from molpath.probe.metrics import auc
from molpath.probe.probes import ProbeFailed
from molpath.probe.prompting import (
    class_prompts,
    class_scores,
    profiles_by_case,
    run_prompts,
    survival_prompts,
    survival_risk,
)
from molpath.probe.tasks import BadTask


def prompts(folder, support, query, cases, profiles, **more):
    outputs = outputs_of(folder)
    options = {"modalities": ["rna", "dna"], "normalise": False, "settings": SETTINGS} | more
    files = {"files": Embeddings("none", cases), "profiles": profiles, "model": "m"}
    run_prompts(name="S==Q--y", support=support, query=query, outputs=outputs, **files, **options)
    return outputs


def values_of(outputs, metric="macro-ovr-auc"):
    table = read_tsv(outputs["metrics"])
    table["value"] = pd.to_numeric(table.value, errors="coerce")
    return table[table.metric == metric].groupby("protocol").value.mean()


@pytest.fixture
def planted(tmp_path):
    """40 support and 60 query cases. RNA names the class in a direction the slides of the support lack."""
    rng = np.random.default_rng(0)
    names = [f"S{i}" for i in range(40)] + [f"Q{i}" for i in range(60)]
    labels = np.arange(100) % 2
    direction = np.zeros(12)
    direction[0] = 3
    x = rng.normal(size=(100, 12))
    x[40:] += labels[40:, None] * direction
    rna = rng.normal(size=(40, 12)) + labels[:40, None] * direction
    case = np.array([*names[:39], names[0]], object)  # S39 has no profile, S0 has two
    rna[39] = rna[0] + 1
    profiles = write_embeddings(
        tmp_path / "profiles.h5ad", [f"P{i}" for i in range(40)], rna, case_id=case, modality=["rna"] * 40
    )
    return names, labels, x, rna, write_embeddings(tmp_path / "cases.h5ad", names, x), profiles


def test_normal_tissue_is_no_prompt_of_a_case_with_a_tumour(tmp_path):
    """The mean of tumour and normal tissue would be the profile of neither."""
    path = write_embeddings(
        tmp_path / "profiles.h5ad",
        ["P0", "P1", "P2", "P3", "P4"],
        np.array([[1.0, 0], [3, 0], [9, 9], [5, 5], [7, 7]]),
        case_id=["a", "a", "a", "b", "a"],
        sample_type=["tumour", "", "normal", "normal", "tumour"],
        modality=["rna", "rna", "rna", "rna", "dna"],
    )
    table = profiles_by_case(EmbeddingTable.read(str(path)), "rna")
    assert table.to_numpy().tolist() == [[2, 0], [5, 5]]
    assert list(table.index) == ["a", "b"]


def test_planted_prompts_are_found_and_every_number_follows(tmp_path, planted):
    names, labels, x, rna, cases, profiles = planted
    support = write_task(tmp_path / "S", names[:40], labels[:40])
    query = write_task(tmp_path / "Q", names[40:], labels[40:])
    outputs = prompts(tmp_path / "out", support, query, cases, profiles)
    x, rna = x.astype(np.float32).astype(float), rna.astype(np.float32).astype(float)
    vectors = {f"S{i}": rna[i] for i in range(39)} | {"S0": (rna[0] + rna[39]) / 2}
    ends = [np.mean([vectors[f"S{i}"] for i in range(39) if labels[i] == code], axis=0) for code in (0, 1)]
    far = np.stack([np.sqrt(((x[40:] - end) ** 2).sum(1)) for end in ends], axis=1)
    table = pd.read_parquet(outputs["predictions"])
    of_rna = table[table.protocol == "prompt_rna"]
    np.testing.assert_array_equal(of_rna[["prob_0", "prob_1"]].to_numpy().argmax(1), far.argmin(1))
    difference = far[:, 0] - far[:, 1]
    np.testing.assert_array_equal(np.argsort(of_rna.prob_1), np.argsort(difference))
    scores = values_of(outputs)
    wins = difference[labels[40:] == 1][:, None] > difference[labels[40:] == 0]
    assert scores["prompt_rna"] == pytest.approx(wins.mean())
    assert scores["prompt_rna"] > 0.9
    assert scores["prompt_slides"] < scores["prompt_rna"] - 0.1  # the support's slides know nothing
    summary = read_tsv(outputs["summary"]).set_index(["protocol", "metric"])
    row = summary.loc[("prompt_rna", "macro-ovr-auc")]
    assert (row.n_train, row.n_test) == ("39", "60")
    assert row.interval.startswith("100 bootstraps")
    assert float(row.lower) < scores["prompt_rna"] <= float(row.upper)
    assert "prompt_dna" not in scores.index


def test_shuffled_support_labels_score_at_chance(tmp_path, planted):
    names, labels, _, _, cases, profiles = planted
    support = write_task(tmp_path / "S", names[:40], labels[:40])
    query = write_task(tmp_path / "Q", names[40:], labels[40:])
    settings = SETTINGS | {"permutations": 100}
    scores = values_of(prompts(tmp_path / "out", support, query, cases, profiles, settings=settings))
    assert abs(scores["prompt_rna_permuted"] - 0.5) < 0.05


def test_folds_of_one_task_take_prompts_of_their_train_side(tmp_path, planted):
    names, labels, x, rna, cases, _ = planted
    sides = np.array(["train", "test"])[np.arange(60) % 3 // 2]
    scale = np.where(np.arange(60) < 6, 100.0, 1.0)  # a few long vectors rule the mean of their class
    profiles = write_embeddings(
        tmp_path / "p.h5ad", names[40:], x[40:] * scale[:, None], case_id=names[40:], modality=["rna"] * 60
    )
    query = write_task(tmp_path / "Q", names[40:], labels[40:], folds=sides)
    outputs = prompts(tmp_path / "out", query, query, cases, profiles, modalities=["rna"])
    table = read_tsv(outputs["metrics"])
    assert set(table.n_train) == {"40"}
    assert set(table.n_test) == {"20"}
    without = prompts(tmp_path / "none", query, query, cases, "", modalities=["rna"])
    assert set(read_tsv(without["metrics"]).protocol) == {"prompt_slides"}
    raw = values_of(outputs)
    unit = values_of(prompts(tmp_path / "unit", query, query, cases, profiles, normalise=True))
    assert unit["prompt_rna"] == pytest.approx(unit["prompt_slides"])  # the same directions
    assert raw["prompt_rna"] != raw["prompt_slides"]


def test_survival_prompts_are_quarters_of_those_who_died():
    """Twelve cases died, at 1 … 12; the censored ones, later and earlier, play no part."""
    times = np.array([*range(12, 0, -1), 0.5, 99])
    events = np.array([True] * 12 + [False] * 2)
    vectors = np.stack([times, times**2], axis=1)
    low, high = survival_prompts(vectors, times, events)
    np.testing.assert_allclose(low, [11, (100 + 121 + 144) / 3])
    np.testing.assert_allclose(high, [2, (1 + 4 + 9) / 3])
    risk = survival_risk(np.array([[2.0, 14 / 3], [11.0, 365 / 3]]), np.stack([low, high]))
    assert risk[0] == pytest.approx(np.hypot(9, 117))
    assert risk[1] == pytest.approx(-np.hypot(9, 117))
    with pytest.raises(ProbeFailed, match="3 uncensored support samples; prompts need at least 4"):
        survival_prompts(vectors[:3], times[:3], events[:3])


def test_planted_hazard_gives_a_c_index_over_a_half(tmp_path):
    rng = np.random.default_rng(5)
    names = [f"S{i}" for i in range(80)] + [f"Q{i}" for i in range(80)]
    x = rng.normal(size=(160, 6))
    days, events = rng.exponential(300 * np.exp(-1.5 * x[:, 2])) + 1, rng.random(160) < 0.7
    cases = write_embeddings(tmp_path / "c.h5ad", names, x)
    profiles = write_embeddings(tmp_path / "p.h5ad", names[:80], x[:80], case_id=names[:80], modality=["rna"] * 80)
    support = write_task(tmp_path / "S", names[:80], [0] * 80, survival=(days[:80], events[:80]))
    query = write_task(tmp_path / "Q", names[80:], [0] * 80, survival=(days[80:], events[80:]))
    scores = values_of(prompts(tmp_path / "out", support, query, cases, profiles), "cindex")
    assert scores["prompt_rna"] > 0.65
    assert scores["prompt_rna"] == pytest.approx(scores["prompt_slides"])  # the same vectors


def test_scores_of_many_classes_rank_the_nearest_first_and_fail_where_prompts_coincide():
    rng = np.random.default_rng(6)
    vectors, labels = rng.normal(size=(30, 4)) * 1000, np.arange(30) % 3
    ends = class_prompts(vectors, labels, 3)
    scores = class_scores(vectors, ends)
    np.testing.assert_allclose(scores.sum(1), 1)
    far = np.linalg.norm(vectors[:, None] - ends, axis=2)
    np.testing.assert_array_equal(scores.argmax(1), far.argmin(1))
    assert len(np.unique(scores[:, 0])) == 30  # nothing saturates, however long the vectors
    assert np.isfinite(auc(labels, scores))
    with pytest.raises(ProbeFailed, match="all prompts are the same vector"):
        class_scores(vectors, np.ones((3, 4)))
    with pytest.raises(ProbeFailed, match="no support sample of class 2"):
        class_prompts(vectors, labels % 2, 3)


def test_a_case_in_support_and_query_is_named(tmp_path, planted):
    names, labels, _, _, cases, profiles = planted
    support = write_task(tmp_path / "S", names[:40], labels[:40])
    query = write_task(tmp_path / "Q", names[30:], labels[30:])
    with pytest.raises(BadTask, match="case S30 "):
        prompts(tmp_path / "out", support, query, cases, profiles)


def test_a_support_case_without_slides_still_makes_prompts(tmp_path, planted):
    names, labels, x, _, _, profiles = planted
    cases = write_embeddings(tmp_path / "only.h5ad", names[40:], x[40:])
    support = write_task(tmp_path / "S", names[:40], labels[:40])
    query = write_task(tmp_path / "Q", names[40:], labels[40:])
    outputs = prompts(tmp_path / "out", support, query, cases, profiles)
    table = read_tsv(outputs["metrics"]).set_index("protocol")
    assert table.loc["prompt_slides", "value"] in ("", "nan")
    assert "no support sample of class 0" in table.loc["prompt_slides", "note"]
    assert values_of(outputs)["prompt_rna"] > 0.9
