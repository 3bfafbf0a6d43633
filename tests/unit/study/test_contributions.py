"""Section predict/contributions: which slides are drawn, what jobs read, and what is refused before any work."""

import contextlib
from types import SimpleNamespace

import pytest
from molpath.study import Study
from projects import write_table

WILDCARDS = SimpleNamespace(model="mean", task="here--grade", slide="N2")
NEW = [
    {"slide_id": f"N{k}", "case_id": f"K{k // 2}", "path": f"files/N{k}.svs", "keep": "no" if k == 3 else ""}
    for k in range(5)
]


@pytest.fixture
def new(project):
    """A project with a predictor of `mean`, and a sheet of five new slides of three cases."""
    project.config["probe"]["predictors"] = [{"model": "mean", "task": "here--grade"}]
    project.config["predict"] = {"slides": "new.tsv", "contributions": ["N2"]}
    return project


def written(project):
    project.write()
    for row in NEW:
        (project.folder / row["path"]).touch()
    write_table(project.folder / "new.tsv", NEW)
    return project


def opened(project) -> Study:
    with contextlib.chdir(written(project).folder):
        study = Study.open("config.yaml")
        study.check()
    return study


def test_named_slides_are_drawn_with_all_slides_of_their_cases(new):
    contributions = opened(new).contributions
    assert contributions.maps() == [
        f"<results>/figures/{kind}/mean/here--grade/N2.png" for kind in ("contributions", "contributing_patches")
    ]
    assert contributions.members(WILDCARDS) == {"K1": ["N2", "N3"]}
    grid = "20x_256px_0px_overlap"
    assert contributions.manifests(WILDCARDS) == [f"<results>/predict/cohort/features/{grid}/tiny/00000.tsv"]
    assert contributions.inspected(WILDCARDS) == "<results>/predict/cohort/slides/00000.tsv"
    assert contributions.usual(WILDCARDS) == "<results>/probe/mean/here--grade/predictor/usual.json"
    assert contributions.slide_path(WILDCARDS).endswith("files/N2.svs")
    assert (contributions.model(WILDCARDS)["kind"], contributions.model(WILDCARDS)["cases"]) == ("mean", "union")


def test_all_means_every_slide_that_the_sheet_keeps(new):
    new.config["predict"]["contributions"] = ["all"]
    assert opened(new).contributions.slides == ["N0", "N1", "N2", "N4"]


def test_nothing_is_asked_without_names(new):
    new.config["predict"]["contributions"] = []
    assert opened(new).contributions.maps() == []


def test_slides_that_are_not_new_are_refused(new):
    new.config["predict"]["contributions"] = ["N2", "N9"]
    message = written(new).refusal()
    assert "key predict/contributions: no slide of predict/slides is called 'N9'" in message


@pytest.mark.parametrize("kind", ["transformer", "abmil"])
def test_models_whose_embedding_is_no_sum_are_refused(new, kind):
    run = new.config["embed"]["models"]["threads"]["run"]
    new.config["pretrain"]["runs"][run].setdefault("slide_encoder", {})["kind"] = kind
    new.config["probe"]["predictors"] = [{"model": "threads", "task": "here--grade"}]
    if kind == "abmil":
        assert opened(new).contributions.is_sum("threads")
        return
    message = written(new).refusal()
    assert "threads/here--grade: its model's embedding is no sum over patches" in message
