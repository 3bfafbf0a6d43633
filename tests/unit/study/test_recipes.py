"""Recipes of folds: what the job would refuse is refused before it, with numbers, and one large site is named."""

import contextlib

import pandas as pd
import pytest
import yaml
from molpath.common.task_rules import sites_of_cases
from molpath.probe.splits import add_folds, split_task
from molpath.probe.tasks import BadTask
from molpath.study import Study
from molpath.study.problems import ProblemsFound
from molpath.study.recipes import pieces_of, strata_of

DEFAULTS = {"folds": 5, "test_fraction": 0.2, "keep_sites": False, "seed": 0}


def planned(project, recipe, labels, sites=None):
    """The study of eight cases with these labels, in a task with this recipe."""
    for slide, site in zip(project.slides, sites or [], strict=False):
        slide["site"] = site
    project.splits = [{"case_id": f"C{i}", "slide_id": f"S{i}", "grade": label} for i, label in enumerate(labels)]
    project.config["omics"]["allow_leakage"] = [f"C{i}" for i in range(8)]
    project.task["splits"] = recipe
    project.write()
    return Study.open("config.yaml")


@pytest.mark.parametrize(
    ("recipe", "sites", "message"),
    [
        (
            {"method": "k_fold", "folds": 40},
            None,
            "key splits/folds: 40 folds, and 8 cases, at most 5 of them with one",
        ),
        ({"method": "k_fold", "folds": 6}, None, "key splits/folds: 6 folds, and 8 cases, at most 5"),
        ({"method": "k_fold", "folds": 4, "keep_sites": True}, "aaabbbcc", "key splits: 3 sites can't fill 4 folds"),
        ({"method": "monte_carlo", "test_fraction": 0.2}, None, "a test side of 1 of 8 cases can't hold 2 labels"),
        ({"method": "k_fold", "folds": 6, "keep_sites": True}, "abcdefgh", "key splits/folds: 6 folds, and 8 cases"),
        ({"method": "k_fold", "folds": 5}, None, ""),
        ({"method": "k_fold", "folds": 3, "keep_sites": True}, "aaabbbcc", ""),
        ({"method": "monte_carlo", "test_fraction": 0.25}, None, ""),
    ],
)
def test_what_planning_refuses_is_what_the_job_would(project, recipe, sites, message):
    labels = list("00000111")
    study = planned(project, recipe, labels, sites)
    rows = pd.DataFrame({"case_id": [f"C{i}" for i in range(8)], "grade": labels})
    of_job = dict(zip(rows.case_id, sites or "", strict=False)) if recipe.get("keep_sites") else None
    if not message:
        study.check()
        add_folds(rows, "grade", DEFAULTS | recipe, of_job, "table")
        return
    with pytest.raises(ProblemsFound) as caught:
        study.check()
    assert message in str(caught.value)
    assert "1 problem" in str(caught.value)
    with pytest.raises(BadTask):
        add_folds(rows, "grade", DEFAULTS | recipe, of_job, "table")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            {"method": "official", "column": "grade", "folds": 3},
            "has no effect with method official\n    -> leave it out, or set method to k_fold or monte_carlo",
        ),
        ({"method": "official", "keep_sites": True}, "key splits/keep_sites: has no effect with method official"),
        ({"method": "k_fold", "folds": 2, "column": "split"}, "key splits/column: has no effect with method k_fold"),
        (
            {"method": "k_fold", "folds": 2, "test_fraction": 0.25},
            "has no effect with method k_fold\n    -> leave it out, or set method to monte_carlo",
        ),
        ({"method": "monte_carlo", "test_fraction": 0.25, "column": "split"}, "key splits/column: has no effect"),
    ],
)
def test_a_key_that_the_method_does_not_read_is_refused(project, recipe, message):
    with pytest.raises(ProblemsFound) as caught:
        planned(project, recipe, list("00000111")).check()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        (None, "tasks/grade/k=all.tsv, header: no column site, and none in the slide sheet: keep_sites needs it"),
        ("aabbccdd", ""),
        (
            [*"aaabbb", "", ""],
            "2 cases have no site (C6, C7), so that no fold can keep theirs whole: fill in the column",
        ),
        ("aabbccddz", "case C0 has slides of several sites (a and z): write one site for all of them"),
    ],
)
def test_planning_and_the_job_refuse_sites_in_the_same_words(project, sites, message):
    """Eight cases of one slide each; a ninth site is that of a second slide of the first case."""
    recipe = {"method": "k_fold", "folds": 2, "keep_sites": True}
    project.slides += [project.slides[0] | {"slide_id": "S8"}] * (len(sites or "") > 8)
    study = planned(project, recipe, list("01010101"), sites)
    files = {"config": "tasks/grade/config.yaml", "table": "tasks/grade/k=all.tsv", "sheet": "slides.tsv"}
    with contextlib.chdir(project.folder):
        if not message:
            study.check()
            split_task(**files, output="made.tsv")
            return
        with pytest.raises(ProblemsFound) as planning:
            study.check()
        with pytest.raises(BadTask) as job:
            split_task(**files, output="made.tsv")
    assert message in str(job.value)
    one_line = " ".join(str(planning.value).replace("\n    -> ", ": ").split())
    assert str(job.value) in one_line


def test_one_large_site_is_named_with_numbers(project):
    recipe = {"method": "k_fold", "folds": 3, "keep_sites": True}
    study = planned(project, recipe, list("01010101"), "aaaaaabc")
    notes = [note for note in study.notes() if "site" in note]
    assert len(notes) == 1
    assert "site a has 6 of the 8 cases of here--grade, so that the other 2 folds of whole sites test about" in notes[0]
    assert not [note for note in planned(project, recipe, list("01010101"), "aaaabbcc").notes() if "site" in note]


def test_parts_of_a_recipe():
    assert [pieces_of(DEFAULTS | {"method": "monte_carlo", "test_fraction": share}) for share in (0.2, 0.9)] == [5, 2]
    rows = [{"case_id": "a", "y": "1"}, {"case_id": "a", "y": "0"}, {"case_id": "b", "y": "0"}]
    assert strata_of(rows, "y") == {"a": "1", "b": "0"}
    sheet = ("slides.tsv", [{"case_id": "a", "site": "x"}, {"case_id": "other", "site": "y"}])
    assert sites_of_cases(["a"], ("k=all.tsv", rows), sheet) == {"a": "x"}
    assert yaml.safe_load("folds: 5")["folds"] == pieces_of({"method": "k_fold"})
