"""The battery of confounders on columns and tasks that nobody planned for: each is told what it is, and none stops it."""

import numpy as np
import pandas as pd
import pytest
from molpath.probe.confounders.battery import assess
from molpath.probe.confounders.columns import column_of
from planted_confounders import SETTINGS, planted_task


@pytest.fixture(scope="module")
def planted():
    """A task whose label goes with the site, and has biology."""
    return planted_task(120, 0.6, 2.0, 1, 8)


def judged(planted, values):
    """The battery's tables on one column."""
    task, predictions, drawn = planted
    table = drawn.columns.assign(odd=values)
    return assess(task, predictions, table, ["odd"], SETTINGS, drawn.embeddings, 19, 20)


@pytest.mark.parametrize("known", ["two cases", "a test side"])
def test_folds_without_a_known_case_are_left_out(planted, known):
    task = planted[0]
    tested = task.folds[:, 0] == "test"
    mine = tested if known == "a test side" else np.arange(120) < 2
    row = judged(planted, np.where(mine, np.array(["a", "b"] * 60), "")).confounders.iloc[0]
    assert row.n == mine.sum()
    if known == "a test side":
        assert row.alone_note == "the test side is empty; the training side is empty"


def test_numbers_that_are_near_each_other_stay_apart():
    found = column_of("batch", pd.Series(["1000001", "1000002", "1000003", "0.1"] * 15))
    assert found.names == ["0.1", "1000001", "1000002", "1000003"]
    assert list(np.bincount(found.codes)) == [15] * 4
    days = column_of("day", pd.Series([str(20200101 + day) for day in range(40)]))
    assert days.names[0] == "1: up to 20200111"


@pytest.mark.parametrize(("name", "words"), [("site", "{}"), ("Site", "{}"), ("ward", "{:02d}"), ("ward", "1_{}")])
def test_codes_are_no_numbers(name, words):
    found = column_of(name, pd.Series([words.format(k % 12 + 1) for k in range(120)]))
    assert sorted(found.names) == sorted(words.format(k + 1) for k in range(12))
    assert np.isnan(found.numbers).all()


@pytest.mark.parametrize(
    "word", ["-", "--", "'--", ".", "?", "null", "<NA>", "Not Applicable", "[Not Evaluated]", "#N/A"]
)
def test_words_for_nothing_are_missing(word):
    found = column_of("grade", pd.Series(["1", "2", word] * 20))
    assert found.names == ["1", "2"]
    assert (~found.known).sum() == 20
