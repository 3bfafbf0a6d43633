"""Robustness indices: those of croma 1.0.1, recorded, and known answers."""

import numpy as np
import pytest
from molpath.probe.robustness import NEAREST, performance_drop, robustness

#: With this file's `drawn`, manifest = DataFrame(sample_id, image_path, label, group_id, site), in an environment with
#: `pip install croma==1.0.1`: RI.compute_curve(x, manifest, confounder_column="site", k_values=[k])[k], the same of
#: MaRI with tau=0.3, MaRI.recommend_tau(…, k=k), and CRoMa.compute(…, m=5): value, ltm_alpha, f0.
RI = {5: 0.3446808510638298, 20: 0.41915085817524844}
MARI = {5: 0.3129266620144179, 20: 0.37850895706695087}
TAU = {5: 0.22498270284075106, 20: 0.3748704275658802}
CROMA, WORST, SITE_FIRST = -0.07792353556380713, -0.4883606230433943, 0.6416666666666667


def drawn(n=120):
    rng = np.random.default_rng(28)
    label, site, group = np.arange(n) % 2, (np.arange(n) // 2) % 3, np.arange(n) // 2
    x = rng.normal(size=(n, 8)) + label[:, None] * np.eye(8)[0] * 1.5 + np.eye(8)[1 + site] * 2.0
    return x, *([str(code) for code in codes] for codes in (label, site, group))


@pytest.mark.parametrize("k", [5, 20])
def test_indices_are_those_of_croma(k):
    measured = robustness(*drawn(), k, tau=0.3)
    assert (measured.ri, measured.mari) == pytest.approx((RI[k], MARI[k]), abs=1e-9)
    assert robustness(*drawn(), k).tau == pytest.approx(TAU[k], abs=1e-9)
    assert (measured.croma, measured.tail, measured.site_first) == pytest.approx((CROMA, WORST, SITE_FIRST), abs=1e-9)
    assert (measured.n, measured.n_margins) == (120, 120)


def test_an_embedding_of_the_label_alone_is_robust_and_one_of_the_site_alone_is_not():
    _, labels, sites, groups = drawn()
    noise = 0.01 * np.random.default_rng(0).normal(size=(120, 3))
    by_label = np.eye(3)[[int(word) for word in labels]] + noise
    by_site = np.eye(3)[[int(word) for word in sites]] + noise
    best, least = (robustness(x, labels, sites, groups, 15) for x in (by_label, by_site))
    assert (best.ri, least.ri) == (1, 0)
    assert best.croma > 0.9
    assert best.site_first == 0
    assert least.croma < -0.9
    assert least.tail <= least.croma


def test_slides_of_a_case_are_no_neighbours():
    x, labels, sites, _ = drawn()
    measured = robustness(x, labels, sites, ["one"] * 120, 5)
    assert np.isnan([measured.ri, measured.mari, measured.croma, measured.tail]).all()
    assert measured.n_margins == 0


def test_one_site_has_no_match_elsewhere():
    x, labels, _, groups = drawn()
    measured = robustness(x, labels, ["a"] * 120, groups, 5)
    assert measured.ri == 0
    assert measured.n_margins == 0


def test_what_has_no_direction_is_refused():
    x, *words = drawn()
    x[7] = 0
    with pytest.raises(ValueError, match="embedding 7 is 0"):
        robustness(x, *words, NEAREST)
    with pytest.raises(ValueError, match="119 embeddings, 120 labels"):
        robustness(x[1:], *words, NEAREST)


def test_performance_drop_is_the_mean_of_ratios():
    drop = performance_drop(np.array([[0.8, 0.5], [0.6, 0.5], [0.4, 0.25]]))
    assert drop == pytest.approx((0.75 + 1 + 0.5 + 0.5) / 4 - 1, abs=1e-12)
    with pytest.raises(ValueError, match="first step"):
        performance_drop(np.array([[0.8, 0.5]]))
