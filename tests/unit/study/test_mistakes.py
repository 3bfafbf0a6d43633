"""What a user reads of each mistake: one message that names file, row, column and remedy."""

import pytest
from mistakes import MISTAKES
from molpath.study import Study
from odd_inputs import ODD_INPUTS


def refused(project) -> str:
    """The message of a project that can't be run."""
    project.write()
    return project.refusal()


@pytest.mark.parametrize("name", [*MISTAKES, *ODD_INPUTS])
def test_mistake_is_explained(project, name):
    spoil, expected = (MISTAKES | ODD_INPUTS)[name]
    spoil(project)
    message = refused(project)
    for words in expected:
        assert words in message, message
    assert not (project.folder / "results").exists()


def test_all_mistakes_are_shown_at_once(project):
    project.slides[1]["mpp"] = "x"
    project.slides[2]["slide_id"] = "S0"
    project.profiles[0]["format"] = "excel"
    project.config["embed"]["use"] = ["nothing"]
    assert "4 problems in config and sheets; no job was started" in refused(project)


def test_a_valid_project_has_no_problem(project):
    project.write()
    study = Study.open("config.yaml")
    study.check()
    assert study.targets.features() == [
        "<results>/features/20x_256px_0px_overlap/tiny/00000.tsv",
        "<results>/tables/ledger/20x_256px_0px_overlap/tiny.tsv",
    ]


def test_cases_on_both_sides_pass_where_the_task_allows_it_and_are_reported(project):
    project.slides[7]["case_id"] = project.splits[3]["case_id"] = "C1"
    project.task |= {"sample_col": "slide_id", "allow_case_overlap": True}
    project.write()
    study = Study.open("config.yaml")
    study.check()
    assert [note for note in study.notes() if "tasks/grade/k=all.tsv has cases on both sides of a fold" in note]
    call = study.displays.figures["heatmap"].call({})
    assert call["arguments"]["note"] == "cases on both sides of folds of here--grade"
    page = {"folder": "probe/mean/other--task", "table": "expression"}
    assert study.displays.tables["expression"].overlaps(page) == ""


def test_figures_that_no_task_fills_are_not_asked_for(project):
    """Curves of survival tasks, boxes over folds of a task that has one fold or many cases."""

    def figures():
        project.write()
        return Study.open("config.yaml").comparisons.score_figures()

    assert {"tasks", "curves", "confusion"} <= set(figures())
    assert "small_cohorts" not in figures()  # one fold
    for row in project.splits:
        row |= {"fold_1": row["fold_0"], "grade_event": 1, "grade_days": 100}
    assert "small_cohorts" in figures()
    project.config["report"] = {"small_cohort": 3}
    assert "small_cohorts" not in figures()
    project.task |= {"task_type": "survival", "extra_cols": ["grade_event", "grade_days"]}
    assert not {"curves", "confusion"} & set(figures())


def test_a_run_trains_on_the_modalities_it_reads(project):
    """A case with mutations alone is not in the training of a run that reads expression: it may be tested."""
    columns = {"modality": "dna", "format": "maf", "unit": ""}
    project.profiles[3] |= columns | {"case_id": "C6"}
    project.splits[3] |= {"case_id": "C6", "slide_id": "S6"}
    project.write()
    study = Study.open("config.yaml")
    study.check()
    assert [row["case_id"] for row in study.models.trained_slides("one")] == ["C0", "C2", "C4"]
    project.config["pretrain"]["runs"]["one"]["modalities"] = ["rna", "dna"]
    assert "case C6 is on the test side of here--grade, and run one trains on it" in refused(project)
