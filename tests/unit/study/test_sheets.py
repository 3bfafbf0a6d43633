"""Sheets that aren't in the dialect are named before anything runs; paths are used as they are."""

import pytest
from molpath.common.files import read_tsv
from molpath.study import Study
from molpath.study.problems import ProblemsFound


def problems_of(project, sheet, change):
    """The problems of a project whose sheet was changed (bytes -> bytes), '' if it can be run."""
    project.write()
    path = project.folder / sheet
    path.write_bytes(change(path.read_bytes()))
    try:
        Study.open("config.yaml").check()
    except ProblemsFound as error:
        return str(error)
    return ""


def twice(data):
    """The last column's name is that of the first."""
    head, rest = data.split(b"\n", 1)
    names = head.split(b"\t")
    return b"\t".join([*names[:-1], names[0]]) + b"\n" + rest


WRONG = {
    "column twice": (twice, "header: column {first} is there twice"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), ": this is text in UTF-16"),
    "Latin-1": (lambda data: data.replace(b"\n", b"\n#\xe9\n", 1), ", row 2: byte 0xe9 is no UTF-8"),
    "commas": (lambda data: data.replace(b"\t", b","), "has no tab, but commas"),
    "quotes": (lambda data: data.replace(b"\t", b'"\t"').replace(b"\n", b'"\n"'), "header: names in quotes"),
    "xlsx": (lambda data: b"PK\x03\x04[Content_Types].xml" + data, ": this is an Excel workbook (xlsx)"),
    "tabs at the end": (lambda data: data.replace(b"\n", b"\t\n").replace(b"\t\n", b"\n", 1), ", row 2: "),
    "a lost tab": (lambda data: data[::-1].replace(b"\t", b" ", 1)[::-1], "cells, and the header has"),
}


@pytest.mark.parametrize(
    ("sheet", "kind"),
    [("slides.tsv", kind) for kind in WRONG]
    + [(sheet, kind) for sheet in ("profiles.tsv", "tasks/grade/k=all.tsv") for kind in ("column twice", "a lost tab")],
)
def test_a_sheet_in_another_dialect_is_named(project, sheet, kind):
    change, words = WRONG[kind]
    if kind == "quotes":
        change = lambda data: b'"' + WRONG["quotes"][0](data)  # noqa: E731
    first = {"slides.tsv": "slide_id", "profiles.tsv": "profile_id"}.get(sheet, "case_id")
    message = problems_of(project, sheet, change)
    assert f"{sheet}" in message
    assert words.format(first=first) in message, message


def test_a_sheet_of_cases_is_looked_at(project):
    project.config["slides"]["cases"] = "cases.tsv"
    (project.folder / "cases.tsv").write_text("case_id\tage\tage\nC0\t3\t4\n")
    assert "cases.tsv, header: column age is there twice" in problems_of(project, "slides.tsv", bytes)
    (project.folder / "cases.tsv").write_text("case\tage\nC0\t3\n")
    assert "cases.tsv, header, column case_id: missing" in problems_of(project, "slides.tsv", bytes)


def test_a_case_twice_in_the_sheet_of_cases_is_named_with_both_rows(project):
    project.config["slides"]["cases"] = "cases.tsv"
    sheet = project.folder / "cases.tsv"
    sheet.write_text("case_id\tage\nC0\t61\nC1\t70\nC0\t62\nC0\t61\n\t50\n")
    message = problems_of(project, "slides.tsv", bytes)
    assert "cases.tsv, row 4, column case_id: C0 is already in row 2" in message
    assert "cases.tsv, row 5, column case_id: C0 is already in row 2" in message
    assert "cases.tsv, row 6, column case_id: empty" in message
    assert "keep one row for each case" in message
    assert "3 problems" in message
    sheet.write_text("case_id\tage\nC0\t61\nC1\t61\n")
    Study.open("config.yaml").check()


def test_quotation_marks_swallow_no_row(project):
    """Planning and jobs see the same rows, whatever a comment holds."""
    for number, row in enumerate(project.slides):
        row["comment"] = '"' if number in (1, 3) else "ok"
    assert problems_of(project, "slides.tsv", bytes) == ""
    rows = Study.open("config.yaml").slides.rows
    assert [row["slide_id"] for row in rows] == [row["slide_id"] for row in project.slides]
    assert [row["comment"] for row in rows] == [row["comment"] for row in project.slides]
    assert read_tsv("slides.tsv").to_dict("records") == [{k: v for k, v in row.items() if k != "#"} for row in rows]


def test_the_rows_of_problems_are_lines_of_the_file(project):
    project.slides[2]["mpp"] = "x"
    message = problems_of(project, "slides.tsv", lambda data: b"# of March\n" + data.replace(b"\n", b"\n\n"))
    assert "slides.tsv, row 8, column mpp" in message


@pytest.mark.parametrize(
    "path", ["export/{6F9619FF-8B86-D011}/S00.tif", "files/<results>/S0.tif", "files/{sample}.tif"]
)
def test_a_path_with_signs_of_snakemake_is_named(project, path):
    project.slides[1]["path"] = path
    project.profiles[0]["path"] = path
    message = problems_of(project, "slides.tsv", bytes)
    mark = "<results>" if "<" in path else "{"
    assert f"profiles.tsv, row 2, column path: {path} holds {mark}, which Snakemake would replace" in message
    assert ("slides.tsv, row 3, column path" in message) == (mark == "<results>"), "slides may have braces"


def test_other_odd_paths_are_used_as_they_are(project):
    names = ["files/a b.svs", "files/[1]*.svs", "files/ä'\"$x.svs", "files/#1,2;3%20.svs"]
    for row, name in zip(project.slides, names, strict=False):
        row["path"] = name
    assert problems_of(project, "slides.tsv", bytes) == ""
    rows = Study.open("config.yaml").slides.values("00000")
    assert [row["path"].removeprefix(f"{project.folder}/") for row in rows[:4]] == names


@pytest.mark.parametrize(
    "config", [{"folders": ["/data"]}, {"gdc": {"X": {"projects": ["P"], "folder": "/data/slides"}}}]
)
def test_downloads_go_to_folders_that_the_config_names(project, config):
    for i, row in enumerate(project.slides):
        row["url"] = "https://x.org/a" if i == 4 else ""
    project.slides[4]["path"] = "/data/slides/x.svs"
    project.config["acquire"] = config
    project.write()
    Study.open("config.yaml").check()
    project.slides[4]["path"] = "/data/slides/../../etc/x.svs"
    project.write()
    assert "/etc/x.svs would be written outside" in project.refusal()


@pytest.mark.parametrize(
    "path",
    [
        "workflow/scripts/numpy.py",
        "workflow/scripts/numpy/numpy.so",
        ".git/hooks/post-checkout",
        ".snakemake/x",
        "Snakefile",
        "GNUmakefile",
        "workflow/profiles/default/config.v9+.yaml",
        "results/slides/00000.tsv",
        "results/wsi/thumbnails/S1.jpg",
    ],
)
def test_no_download_counts_as_code_settings_or_results(project, path):
    """A job imports numpy from the folder of its script first: whoever writes there runs code."""
    for i, row in enumerate(project.slides):
        row["url"] = "https://x.org/a" if i == 4 else ""
    project.slides[4]["path"] = path
    project.write()
    assert f"{path} would be written outside the folders of this study, or as code" in project.refusal()


@pytest.mark.parametrize("path", ["files/x.svs", "new/folder/y..svs", "makefiles/a.yaml.gz", "resources/a/b.tsv"])
def test_other_downloads_below_the_study_are_taken(project, path):
    for i, row in enumerate(project.slides):
        row["url"] = "https://x.org/a" if i == 4 else ""
    project.slides[4]["path"] = path
    project.write()
    Study.open("config.yaml").check()


def test_a_profile_of_two_cohorts_is_named(project):
    """Pairs name profiles by profile_id alone."""
    first = next(row for row in project.profiles if row["cohort"] == "A")
    project.profiles.append(first | {"cohort": "B", "format": "maf", "modality": "dna"})
    message = problems_of(project, "profiles.tsv", bytes)
    row = len(project.profiles) + 1
    assert f"profiles.tsv, row {row}, column cohort: profile {first['profile_id']} belongs to cohort A" in message


def test_spaces_around_an_id_are_named_with_the_id(project):
    project.slides[0]["slide_id"] = " S0"
    project.write()
    with pytest.raises(
        ProblemsFound, match="row 2, column slide_id: ' S0' is not allowed\n *-> delete the spaces.*: S0"
    ):
        Study.open("config.yaml").check()
