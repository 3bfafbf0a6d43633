"""The battery of confounders on columns and tasks that nobody planned for: none stops it, and each is recognised."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from molpath.probe.confounders.battery import assess
from molpath.probe.confounders.columns import column_of
from molpath.probe.confounders.outcomes import Outcome
from molpath.probe.confounders.pairs import Pairs
from molpath.probe.confounders.residuals import permuted_within
from molpath.probe.confounders.subgroups import largest_gaps
from molpath.probe.tasks import Task
from planted_confounders import SETTINGS, planted_task, predicted


@pytest.fixture(scope="module")
def planted():
    """A task whose label goes with the site, and has biology."""
    return planted_task(120, 0.6, 2.0, 1, 8)


def judged(planted, values):
    """The battery's tables on one column."""
    task, predictions, drawn = planted
    table = drawn.columns.assign(odd=values)
    return assess(task, predictions, table, ["odd"], SETTINGS, drawn.embeddings, 19, 20)


@pytest.mark.parametrize("which", ["two cases", "a test side"])
def test_folds_without_a_known_case_are_left_out(planted, which):
    task = planted[0]
    tested = task.folds[:, 0] == "test"
    is_known = tested if which == "a test side" else np.arange(120) < 2
    row = judged(planted, np.where(is_known, np.array(["a", "b"] * 60), "")).confounders.iloc[0]
    assert row.n == is_known.sum()
    if which == "a test side":
        assert row.alone_note == "the test side is empty; the training side is empty"


def test_numbers_that_are_near_each_other_stay_apart():
    read = column_of("batch", pd.Series(["1000001", "1000002", "1000003", "0.1"] * 15))
    assert read.names == ["0.1", "1000001", "1000002", "1000003"]
    assert list(np.bincount(read.codes)) == [15] * 4
    days = column_of("day", pd.Series([str(20200101 + day) for day in range(40)]))
    assert days.names[0] == "1: up to 20200111"


@pytest.mark.parametrize(("name", "words"), [("site", "{}"), ("Site", "{}"), ("ward", "{:02d}"), ("ward", "1_{}")])
def test_codes_are_no_numbers(name, words):
    read = column_of(name, pd.Series([words.format(k % 12 + 1) for k in range(120)]))
    assert sorted(read.names) == sorted(words.format(k + 1) for k in range(12))
    assert np.isnan(read.numbers).all()


@pytest.mark.parametrize(
    "word", ["-", "--", "'--", ".", "?", "null", "<NA>", "Not Applicable", "[Not Evaluated]", "#N/A"]
)
def test_words_for_nothing_are_missing(word):
    read = column_of("grade", pd.Series(["1", "2", word] * 20))
    assert read.names == ["1", "2"]
    assert (~read.has_value).sum() == 20


@pytest.mark.parametrize(("v", "signal", "verdict"), [(0.0, 3.0, "independent"), (0.7, 0.0, "explained")])
def test_an_official_split_is_judged_on_its_test_side(v, signal, verdict):
    task, predictions, drawn = planted_task(600, v, signal, 3, 8)
    single = dataclasses.replace(task, folds=np.where(np.arange(600) % 2, "test", "train").astype(object)[:, None])
    predictions = predicted(single, drawn.embeddings)
    assessed = assess(single, predictions, drawn.columns, ["site"], SETTINGS, drawn.embeddings, 99, 100)
    row = assessed.confounders.iloc[0]
    assert (row.verdict, row.n) == (verdict, 300)
    assert row.alone_note == row.gain_note == ""
    assert len(assessed.left_out) == 300


def test_no_column_and_no_prediction_make_tables_all_the_same(planted):
    task, predictions, drawn = planted
    args = (drawn.columns, ["site"], SETTINGS, drawn.embeddings, 19, 20)
    full = assess(task, predictions, *args)
    for assessed, rows in (
        (assess(task, predictions[:0], *args), 1),
        (assess(task, pd.DataFrame(), *args), 1),
        (assess(task, predictions, drawn.columns, [], *args[2:]), 0),
    ):
        assert len(assessed.confounders) == rows
        for name in ("confounders", "strata", "subgroups", "gaps", "left_out"):
            assert list(getattr(assessed, name)) == list(getattr(full, name))
    nobody = assess(task, predictions[:0], *args)
    assert nobody.confounders.reason[0] == "cannot tell: no case has a finite prediction"
    assert len(nobody.left_out) == 120


def test_labels_of_cases_in_no_group_stay_where_they_are():
    orders = permuted_within(np.array([-1, -1, -1, 0, 0, 0]), 50, 0)
    assert (orders[:, :3] == [0, 1, 2]).all()
    assert len(np.unique(orders[:, 3:], axis=0)) > 3


def test_a_class_that_only_cases_without_a_value_have_does_not_silence_the_others(planted):
    task, predictions, drawn = planted
    labels, words = task.labels.copy(), np.array(["a", "b"] * 60, object)
    labels[:15], words[:15] = 2, ""
    three = dataclasses.replace(task, labels=labels, classes=["wt", "mut", "rare"])
    assessed = assess(three, predicted(three, drawn.embeddings), drawn.columns.assign(odd=words), ["odd"], SETTINGS)
    assert assessed.confounders.p_within[0] < 0.05


def test_groups_whose_numbers_differ_have_no_gap_by_that_alone():
    rng, significant = np.random.default_rng(0), []
    names = [f"C{k}" for k in range(160)]
    for _ in range(30):
        group = rng.integers(4, size=160)
        values = group + rng.normal(size=160)
        task = Task("t", "case_id", names, np.full(160, -1), [], np.full((160, 1), "test"), ["r2"], values=values)
        outcome = Outcome(task, values[:, None], np.zeros((160, 0)), 0.3 * rng.normal(size=160))
        pairs = Pairs(task, outcome.scores)
        gaps = largest_gaps(outcome, column_of("ward", pd.Series(group)), pairs, [0, 1, 2, 3], 39, 0)
        significant.append(gaps.set_index("metric").p["bias"] <= 0.05)
    assert np.mean(significant) <= 0.2
