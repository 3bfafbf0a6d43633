"""Folds of whole sites: no site, and no case, on both sides; a label that follows the site is no longer found."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from molpath.probe.protocols import probe_frozen
from molpath.probe.site_folds import FEWEST, groups_of, keep_sites, leave_one_site_out
from molpath.probe.tasks import Task
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from .test_probe import SETTINGS, toy

BOTH = SETTINGS | {"site_folds": ["keep_sites", "leave_one_site_out"], "controls": []}


def with_sites(task: Task, sites, cases=None) -> Task:
    return dataclasses.replace(
        task,
        sites=dict(zip(task.samples, sites, strict=True)),
        cases=dict(zip(task.samples, cases or task.samples, strict=True)),
    )


def test_no_site_and_no_case_is_on_both_sides():
    task, _ = toy(120)
    rng = np.random.default_rng(0)
    sites = np.repeat([f"site {i}" for i in rng.integers(8, size=60)], 2).astype(object)
    sites[:3], sites[4:7] = "site 0+site 1", "unknown"
    cases = [f"C{i // 2}" for i in range(120)]
    task = with_sites(task, sites, cases)
    for folds in (list(keep_sites(task, 0)), list(leave_one_site_out(task))):
        for train, test in folds:
            of = [{name for i in side for name in sites[i].split("+")} - {"unknown"} for side in (train, test)]
            assert not of[0] & of[1]
            assert not {cases[i] for i in train} & {cases[i] for i in test}
    tested = np.concatenate([test for _, test in keep_sites(task, 0)])
    # Case C2 is of an unknown site with both its slides, C3 with one of them.
    assert sorted(tested) == [i for i in range(120) if i not in (4, 5)]
    assert groups_of(task)[6] == groups_of(task)[7]


def test_each_large_site_is_tested_once_by_a_probe_of_the_others():
    task, x = toy(100)
    sites = ["a"] * 40 + ["b"] * 40 + ["small"] * (FEWEST - 1) + ["one class"] * (20 - FEWEST + 1)
    task = with_sites(task, sites)
    task.labels[80 + FEWEST - 1 :] = 1
    table = pd.DataFrame(probe_frozen(task, x, BOTH).metrics)
    by_site = table[(table.protocol == "leave_one_site_out") & (table.metric == "macro-ovr-auc")]
    assert by_site.n_test.tolist() == [40, 40]
    assert by_site.n_train.tolist() == [60, 60]
    model = LogisticRegression(C=0.5, max_iter=10000, class_weight="balanced", random_state=0)
    model.fit(x[40:].astype(float), task.labels[40:])
    by_hand = roc_auc_score(task.labels[:40], model.predict_proba(x[:40].astype(float))[:, 1])
    assert by_site.value.iloc[0] == pytest.approx(by_hand, abs=1e-12)


def test_what_a_site_alone_says_is_gone_at_other_sites():
    rng = np.random.default_rng(1)
    task, x = toy(400, folds=5, signal=0)
    place = rng.integers(8, size=400)
    task.labels[:] = rng.random(400) < np.where(place < 4, 0.85, 0.15)
    x = rng.normal(size=(400, 24)).astype(np.float32)
    x[np.arange(400), place] += 4
    task = with_sites(task, [f"H{i}" for i in place])
    table = pd.DataFrame(probe_frozen(task, x, BOTH).metrics)
    scores = table[table.metric == "macro-ovr-auc"].groupby("protocol").value.mean()
    assert scores["logistic"] > 0.75
    assert scores["keep_sites"] < 0.65
    assert abs(scores["leave_one_site_out"] - 0.5) < 0.12


@pytest.mark.parametrize(
    "sites", [None, ["a"] * 80, ["unknown"] * 80, ["NA", "unknown"] * 40, ["a+b"] * 40 + ["b+c"] * 40]
)
def test_without_sites_that_can_be_kept_apart_there_is_no_such_protocol(sites, caplog):
    task, x = toy()
    task = with_sites(task, sites) if sites else task
    table = pd.DataFrame(probe_frozen(task, x, BOTH).metrics)
    assert set(table.protocol) == {"logistic"}
    assert "no protocol keep_sites" in caplog.text
    assert "no protocol leave_one_site_out" in caplog.text


def test_one_site_with_most_samples_is_named_with_the_sizes_of_the_sides(caplog):
    task, _ = toy(100)
    sizes = sorted(len(test) for _, test in keep_sites(with_sites(task, ["huge"] * 92 + list("abcdefgh")), 0))
    assert sizes[-1] >= 92
    assert sum(sizes) == 100
    (message,) = [record.message for record in caplog.records]
    assert f"{task.name}, keep_sites: test sides of " in message
    assert all(str(size) in message for size in sizes)
    caplog.clear()
    list(keep_sites(with_sites(task, [f"site {i % 10}" for i in range(100)]), 0))
    assert not caplog.records


def test_survival_and_numbers_have_them_too():
    rng = np.random.default_rng(0)
    task, x = toy(120)
    sites = [f"H{i % 4}" for i in range(120)]
    timed = dataclasses.replace(task, times=rng.exponential(500, 120) + 1, events=rng.random(120) < 0.7)
    settings = BOTH | {"cox": BOTH["cox"] | {"alpha": 1.0, "l1_ratio": 0, "times": []}, "ridge_alphas": [1.0, 100.0]}
    numbers = dataclasses.replace(task, classes=[], values=x[:, 0].astype(float), metrics=["r2"])
    for plain_task, metric in ((timed, "cindex"), (numbers, "r2")):
        table = pd.DataFrame(probe_frozen(with_sites(plain_task, sites), x, settings).metrics)
        counts = table[table.metric == metric].groupby("protocol").size()
        assert counts["keep_sites"] == counts["leave_one_site_out"] == 4
