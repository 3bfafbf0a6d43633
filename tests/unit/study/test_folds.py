"""Folds and official splits that users write: what planning refuses, and on which side each case lands in the job."""

import contextlib

import pytest
from molpath.probe.splits import split_task
from molpath.probe.tasks import BadTask, read_task
from molpath.study import Study

CASES = [f"C{i}" for i in range(8)]
SIDES = ["train"] * 5 + ["test"] * 3
OFFICIAL = {"method": "official"}


def table(sides=SIDES, column="split", cases=CASES, more=()):
    rows = [f"{case}\tS{i}\t{i % 2}\t{side}" for i, (case, side) in enumerate(zip(cases, sides, strict=True))]
    return "\n".join([f"case_id\tslide_id\tgrade\t{column}", *rows, *more]) + "\n"


def write(project, text, recipe=None):
    project.config["omics"]["allow_leakage"] = CASES
    project.task |= {"splits": recipe} if recipe else {}
    project.texts["tasks/grade/k=all.tsv"] = text
    project.write()


def of_job(project, recipe=None):
    """Side of each case, as jobs read it."""
    with contextlib.chdir(project.folder):
        config = "tasks/grade/config.yaml"
        path = "tasks/grade/k=all.tsv"
        if recipe:
            split_task(config=config, table=path, sheet="slides.tsv", output="made.tsv")
            path = "made.tsv"
        task = read_task("grade", config, path)
    return dict(zip(task.samples, task.folds[:, 0], strict=True))


@pytest.mark.parametrize(
    ("text", "recipe", "expected"),
    [
        (table(), OFFICIAL, SIDES),
        (table([side.upper() for side in SIDES]), OFFICIAL, SIDES),
        (table(["", "-1", "val", *SIDES[3:]]), OFFICIAL, ["-1", "-1", "val", *SIDES[3:]]),
        (table(column="side"), OFFICIAL | {"column": "side"}, SIDES),
        (table(more=["C0\tS0\t0\ttrain"]), OFFICIAL, SIDES),
        ("\ufeff" + table(column="fold_0").replace("\n", "\r\n"), None, SIDES),
        (table(column="fold_3"), None, SIDES),
    ],
)
def test_each_case_lands_on_the_side_that_was_written(project, text, recipe, expected):
    write(project, text, recipe)
    with contextlib.chdir(project.folder):
        Study.open("config.yaml").check()
    assert of_job(project, recipe) == dict(zip(CASES, expected, strict=True))


@pytest.mark.parametrize("word", ["Training", "testing", " test", "train ", "validation", "NA", "0"])
@pytest.mark.parametrize(("column", "recipe"), [("split", OFFICIAL), ("fold_0", None)])
def test_a_word_that_is_no_side_is_refused_by_planning_and_the_job(project, word, column, recipe):
    write(project, table([*SIDES[:4], word, *SIDES[5:]], column), recipe)
    message = project.refusal()
    assert f"tasks/grade/k=all.tsv, row 6, column {column}: {word!r} is not allowed" in message
    assert "1 problem" in message
    with pytest.raises(BadTask, match=f"row 6, column {column}: {word!r} is none of train, test, val, -1"):
        of_job(project, recipe)


@pytest.mark.parametrize(
    ("text", "recipe", "message"),
    [
        (table(column="Split"), OFFICIAL, "header, column split: config.yaml (key splits) takes the official split"),
        (table(column="Split"), OFFICIAL, "did you mean 'Split'?"),
        (table(more=["C0\tS0\t0\ttest"]), OFFICIAL, "row 10, column split: case C0 is on both sides of split"),
        (table(["train"] * 8), OFFICIAL, "column split: no row with a label says test: a fold needs both sides"),
        (table(["test"] * 8, "fold_0"), None, "column fold_0: no row with a label says train: a fold needs both sides"),
        (table(column="my_fold_0_old"), None, "column my_fold_0_old: it would be used as a fold"),
        (table(column="fold_01"), None, "column fold_01: it would be used as a fold"),
        (table(column="Fold_0"), None, "no fold_0, fold_1, … columns: rename Fold_0 to fold_0"),
        (table(column="fold_0", cases=["c0", *CASES[1:]]), None, "did you mean 'C0'? Ids are case-sensitive"),
        (table(column="fold_0", cases=["C0 ", *CASES[1:]]), None, "did you mean 'C0'? Delete the spaces around it"),
        (
            table(column="fold_0", cases=["NA", *CASES[1:]]),
            None,
            "row 2, column case_id: case 'NA' is not in slides",
        ),
        (table(column="fold_0").replace("\t", ";"), None, "has no tab, but semicolons"),
        (table(column="fold_0").replace("\t", ","), None, "has no tab, but commas"),
    ],
)
def test_folds_that_cannot_be_meant_are_refused_before_the_run(project, text, recipe, message):
    write(project, text, recipe)
    assert message in project.refusal().replace("\n    -> ", ": ")


def test_cases_called_by_numbers_keep_their_zeros(project):
    for i, row in enumerate(project.slides):
        row["case_id"] = f"{i:02d}"
    for i, row in zip((0, 2, 4, 6), project.profiles, strict=True):
        row["case_id"] = f"{i:02d}"
    cases = [f"{i:02d}" for i in range(8)]
    write(project, table(column="fold_0", cases=cases))
    assert of_job(project) == dict(zip(cases, SIDES, strict=True))
    write(project, table(column="fold_0", cases=[str(i) for i in range(8)]))
    assert (
        "case '1' is not in slides.tsv\n    -> did you mean '01'? A spreadsheet removed its zeros" in project.refusal()
    )


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["C0\tm", "C0\tf"], "cases.tsv, row 3, column case_id: C0 is already in row 2"),
        (["C0 \tm", "C1\tf"], "row 2, column case_id: case 'C0 ' is not in slides.tsv: did you mean 'C0'? Delete"),
        (["X0\tm", "X1\tf"], "cases.tsv, column case_id: none of its 2 cases is in slides.tsv"),
        (["C0\tm", "c0\tf", "X1\tf"], ""),  # two cases by two rows, and one without slides
    ],
)
def test_a_sheet_of_cases_is_of_these_cases(project, rows, message):
    project.config["slides"]["cases"] = "cases.tsv"
    project.texts["cases.tsv"] = "\n".join(["case_id\tsex", *rows]) + "\n"
    write(project, table(column="fold_0"))
    if message:
        assert message in project.refusal().replace("\n    -> ", ": ")
        return
    with contextlib.chdir(project.folder):
        Study.open("config.yaml").check()
