"""The ladder of training sets: V as asked, sizes alike, nobody on both sides, the drop recomputed."""

import numpy as np
import pytest
from molpath.probe.ladder import LEAST, REPEATS, STEPS, choose_square, climb, draw_sets, one_per_case
from schema_defaults import defaults_of
from scipy.stats.contingency import association
from sklearn.linear_model import LogisticRegression

SETTINGS = defaults_of("probe")


def drawn(per_cell=60, signal=1.0, stain=3.0, slides=1):
    """Two labels at two sites, so many cases of each; the embedding shows both."""
    rng = np.random.default_rng(7)
    label, site = (np.repeat([0, 0, 1, 1], per_cell), np.repeat([0, 1, 0, 1], per_cell))
    x = (
        rng.normal(size=(4 * per_cell, 6))
        + np.outer(label, signal * np.eye(6)[0])
        + np.outer(site, stain * np.eye(6)[1])
    )
    names = np.arange(4 * per_cell).astype(str)
    return (
        np.repeat(part, slides, axis=0) for part in (x, np.array(["a", "b"])[label], np.array(["N", "S"])[site], names)
    )


def test_sets_have_the_association_asked_for_and_one_size():
    _, labels, sites, _ = drawn()
    square = choose_square(labels, sites)
    sets, test = draw_sets(square, np.random.default_rng(0))
    for v, train in zip(STEPS, sets, strict=True):
        table = [[np.sum((labels[train] == a) & (sites[train] == b)) for b in "NS"] for a in "ab"]
        assert np.sum(table) == len(set(train)) == square.n
        assert association(np.array(table), method="cramer", correction=False) == pytest.approx(v, abs=1e-12)
        assert np.sum(table, 0).tolist() == np.sum(table, 1).tolist() == [square.n / 2] * 2
        assert not set(train) & set(test)
    assert {(labels[k], sites[k]) for k in test} == {(a, b) for a in "ab" for b in "NS"}
    assert len(test) == 4 * square.tested == 4 * 12


def test_the_drop_is_that_of_probes_fitted_by_hand():
    x, labels, sites, cases = drawn()
    drop, reason, ladder = climb(x, labels, sites, cases, SETTINGS)
    square = choose_square(labels, sites)
    scores = np.zeros((len(STEPS), REPEATS))
    for repeat in range(REPEATS):
        sets, test = draw_sets(square, np.random.default_rng([0, 29, repeat]))
        for step, train in enumerate(sets):
            model = LogisticRegression(C=0.5, max_iter=10000, class_weight="balanced").fit(x[train], labels[train])
            scores[step, repeat] = np.mean(model.predict(x[test]) == labels[test])
    ratios = [scores[k, r] / scores[0, r] for k in range(1, len(STEPS)) for r in range(REPEATS)]
    assert reason == ""
    assert drop == pytest.approx(np.mean(ratios) - 1, abs=1e-9)
    assert ladder.accuracy.to_numpy() == pytest.approx(scores.mean(1), abs=1e-9)
    assert ladder.v.to_numpy() == pytest.approx(np.array(STEPS), abs=1e-12)


def test_a_site_that_the_embedding_shows_costs_accuracy_and_one_that_it_hides_does_not():
    shown, hidden = (climb(*drawn(stain=stain), SETTINGS)[0] for stain in (3.0, 0.0))
    assert shown < -0.1
    assert abs(hidden) < 0.05


def test_too_few_cases_are_reported_with_their_counts():
    x, labels, sites, cases = drawn(per_cell=12)
    drop, reason, ladder = climb(x, labels, sites, cases, SETTINGS)
    assert np.isnan(drop)
    assert reason.startswith("cannot: n: ")
    assert f"training sets of {LEAST} (a at N: 12; a at S: 12; b at N: 12; b at S: 12)" in reason
    assert ladder.empty
    assert "fewer than two" in climb(x, ["a"] * len(x), sites, cases, SETTINGS)[1]


def test_slides_of_a_case_count_once():
    once, thrice = (climb(*drawn(per_cell=40, slides=slides), SETTINGS)[2] for slides in (1, 3))
    assert thrice.n_train.tolist() == once.n_train.tolist() == [64] * len(STEPS)
    assert "b at S: 20" in climb(*drawn(per_cell=20, slides=3), SETTINGS)[1]
    places = one_per_case(["p", "q", "p", "r", "q"], 0)
    assert sorted(np.array(["p", "q", "p", "r", "q"])[places]) == ["p", "q", "r"]


def test_the_four_with_the_largest_sets_are_taken():
    labels = np.array(list("aabbcc") * 30 + ["a"] * 100 + ["c"] * 60)
    sites = np.array(list("NSNSNS") * 30 + ["N"] * 100 + ["S"] * 60)
    square = choose_square(labels, sites)
    counts = {(a, b): int(np.sum((labels == a) & (sites == b))) for a in "abc" for b in "NS"}
    assert (counts["a", "N"], counts["c", "S"]) == (130, 90)
    assert square.labels == ("a", "c")
    assert square.sites == ("N", "S")
