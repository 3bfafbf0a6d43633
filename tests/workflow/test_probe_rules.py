"""Rules of probing: folds by recipe, bags of a task's own, checks of a task's rows, Patho-Bench's layout."""

import re

import pytest


def jobs(done) -> dict[str, int]:
    """Number of jobs per rule of a dry run."""
    assert done.returncode == 0, done.stdout[-3000:]
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", done.stdout, re.M)}


def without_folds(project, recipe):
    project.task["splits"] = recipe
    project.splits = [{key: value for key, value in row.items() if key != "fold_0"} for row in project.splits]


def test_recipe_and_listed_slides_have_jobs_of_their_own(project):
    """One case has a second slide that the task doesn't list: for each model slides, cases and bags, and one split."""
    project.slides.append({"slide_id": "S1b", "case_id": "C1", "path": "files/S1b.svs", "cohort": "B", "mpp": "0.5"})
    without_folds(project, {"method": "k_fold", "folds": 2})
    project.write()
    counts = jobs(project.snakemake("probe", "--dry-run", "--quiet", "rules"))
    assert (counts["split_task"], counts["embed_block"], counts["probe_task"]) == (1, 6, 2)
    layout = jobs(project.snakemake("pathobench", "--dry-run", "--quiet", "rules"))
    assert layout["write_pathobench"] == 1
    assert layout["probe_task"] == 2


def survival(project, days="100", event="1"):
    project.task |= {"task_type": "survival", "task_col": "grade", "extra_cols": ["OS_event", "OS_days"]}
    for row in project.splits:
        row |= {"OS_event": 1, "OS_days": 50}
    project.splits[1] |= {"OS_event": event, "OS_days": days}


def regression(project, groups=("frozen",), metrics=("r2",)):
    project.task = {"task_col": "grade", "sample_col": "case_id", "task_type": "regression", "metrics": list(metrics)}
    project.config["probe"]["tasks"]["here--grade"]["groups"] = list(groups)
    for row in project.splits:
        row["grade"] = 1.5


MISTAKES = {
    "a regression task with few-shot probes": (
        lambda p: regression(p, groups=("frozen", "fewshot")),
        ["here--grade predicts a number, and fewshot needs classes", "leave it with groups: [frozen]"],
    ),
    "a label of regression that is no number": (
        lambda p: (regression(p), p.splits[2].update(grade="high")),
        ["k=all.tsv, row 4, column grade: 'high' is no finite number"],
    ),
    "an error that averages would be made of": (
        lambda p: regression(p, metrics=("mae", "r2")),
        ["tasks/grade/config.yaml, key metrics/0: 'mae' is not one of"],
    ),
    "a metric of classes": (
        lambda p: regression(p, metrics=("r2", "bacc")),
        ["tasks/grade/config.yaml, key metrics/1: 'bacc' is not one of"],
    ),
    "classes without names": (
        lambda p: p.task.pop("label_dict"),
        ["config.yaml, key top level: 'label_dict' is missing"],
    ),
    "folds and a recipe": (
        lambda p: p.task.update(splits={"method": "k_fold", "folds": 2}),
        ["k=all.tsv, header, column fold_0: the table has folds, and the task's config.yaml a recipe"],
    ),
    "neither folds nor a recipe": (
        lambda p: [row.pop("fold_0") for row in p.splits],
        ["no fold_0, fold_1, … columns", "or a recipe `splits` to config.yaml"],
    ),
    "unknown method": (
        lambda p: without_folds(p, {"method": "leave_one_out"}),
        ["tasks/grade/config.yaml, key splits/method: 'leave_one_out' is not one of", "'k_fold', 'monte_carlo'"],
    ),
    "recipe that would test a case of pretraining": (
        lambda p: (without_folds(p, {"method": "k_fold", "folds": 2}), p.splits[0].update(case_id="C0", slide_id="S0")),
        ["row 2, column splits: case C0 is on the test side of here--grade, and run one trains on it"],
    ),
    "slide that is not there": (
        lambda p: p.splits[0].update(slide_id="S99"),
        ["row 2, column slide_id: slide 'S99' is not in slides.tsv", "set probe/missing: skip"],
    ),
    "time of zero": (
        lambda p: survival(p, days="0"),
        ["row 3, column OS_days: '0' is not a positive time", "or empty the label to leave the row out"],
    ),
    "time that is none": (lambda p: survival(p, days="soon"), ["row 3, column OS_days: 'soon' is not a positive time"]),
    "event that is none": (
        lambda p: survival(p, event="dead"),
        ["row 3, column OS_event: 'dead' is neither 1 (event) nor 0 (censored)"],
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_explained(project, name):
    spoil, messages = MISTAKES[name]
    spoil(project)
    project.write()
    message = project.refusal()
    for text in messages:
        assert text in message, message
    assert "1 problem in config and sheets" in message


def test_missing_may_be_skipped_by_name(project):
    project.splits[0].update(case_id="C99", slide_id="S99")
    project.config["probe"]["missing"] = "skip"
    project.write()
    assert project.snakemake("--dry-run", "--quiet").returncode == 0
