"""A study opened in a notebook: odd files are refused in one sentence, and the plan is the one Snakemake has."""

import copy

import pytest
from molpath.study import Study
from molpath.study.problems import ProblemsFound


@pytest.mark.parametrize(
    ("text", "expected"),
    {
        "a list": ("- slides\n", "config.yaml: \"['slides']\" is no map of keys"),
        "no YAML": ("slides: {sheet: [\n", "config.yaml, line 1, column 9: the bracket { is not closed"),
        "a tab": ("slides:\n\tsheet: x\n", "config.yaml, line 2, column 1: a tab indents"),
        "two documents": ("slides: {}\n---\nslides: {}\n", "config.yaml, line 2: --- begins a second document"),
        "code": ("slides: !!python/name:os.system x\n", "config.yaml, line 1, column 9: a value can't begin with !"),
        "a day that is none": ("slides: {sheet: 2024-13-45}\n", "config.yaml: no valid YAML: month must be in 1..12"),
        "another encoding": (b"slides: {sheet: \xe9.tsv}\n", "config.yaml, line 1: byte 0xe9 is no UTF-8"),
        "a key twice": ("slides: {}\nslides: {}\n", "config.yaml, line 2: key 'slides' occurs twice"),
        "keys of two types": ("slides: {1: 2, other: 3}\n", "config, key slides: unknown keys 1, 'other'"),
        "no number": ("slides: {max_failed_fraction: .nan}\n", "key slides/max_failed_fraction: not a finite number"),
        "a name that is a number": (
            "pretrain: {runs: {1: {}}}\n",
            "config, key pretrain/runs: 1 is not text",
        ),
        "a name that is a day": ("embed: {models: {2024-01-01: {kind: mean}}}\n", "is not text"),
        "a name of two lines": (
            'embed: {models: {"a\\n": {kind: mean}}}\n',
            "config, key embed/models: 'a\\n' does not",
        ),
        "a model twice": ("embed: {use: [a, a]}\n", "config, key embed/use: 'a' occurs twice\n    -> keep one"),
    }.values(),
)
def test_a_config_that_is_none_is_refused(project, text, expected):
    project.write()
    (project.folder / "config.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ProblemsFound) as caught:
        Study.open("config.yaml")
    assert expected in str(caught.value)


@pytest.mark.parametrize(("path", "expected"), [("none.yaml", "no such file"), (".", "is a directory")])
def test_a_config_that_is_not_there_is_refused(project, path, expected):
    with pytest.raises(ProblemsFound, match=f"{path}: {expected}"):
        Study.open(path)


def test_a_key_that_is_merged_and_overridden_is_no_repetition(project):
    project.write()
    text = (project.folder / "config.yaml").read_text().split("embed:")[0]
    text += "embed:\n  models:\n    a: &a {kind: mean, grid: main, encoder: tiny, cases: union}\n"
    text += "    b: {<<: *a, cases: mean}\n"
    (project.folder / "config.yaml").write_text(text)
    study = Study.open("config.yaml")
    assert study.models.entries["b"]["cases"] == "mean"


def test_the_workflows_own_config_is_the_base(project):
    """As `snakemake --configfile config.yaml` has it in a folder with config/config.yaml."""
    project.write()
    (project.folder / "config").mkdir()
    (project.folder / "config/config.yaml").write_text("slides: {slides_per_job: 3, sheet: others.tsv}\n")
    study = Study.open("config.yaml")
    study.check()
    assert study.plan()["shards"] == {"00000": 3, "00001": 3, "00002": 2}
    assert study.places.config_files == ["config/config.yaml", "config.yaml"]
    with pytest.raises(ProblemsFound, match=r"others\.tsv: no such file"):
        Study.open("config/config.yaml").check()


def test_what_is_laid_over_stays_as_it_was(project):
    """Defaults of one study are no settings of the next."""
    project.write()
    over = {"pretrain": {"runs": {}}, "report": {}}
    before = copy.deepcopy(over)
    Study.open("config.yaml", over)
    assert over == before


def test_a_study_can_be_checked_again(project):
    project.config["embed"]["use"] = ["nothing"]
    project.write()
    study = Study.open("config.yaml")
    for act in (study.check, study.check, study.plan, study.doctor, study.notes):
        with pytest.raises(ProblemsFound, match="^1 problem in"):
            act()


def test_a_whole_number_may_have_a_point(project):
    project.config["slides"]["slides_per_job"] = 2.0
    project.config["tiles"]["grids"]["main"]["patch_size"] = 256.0
    project.config["probe"]["shots"] = [1.0, 2]
    project.write()
    study = Study.open("config.yaml")
    study.check()
    assert list(study.grids.by_name) == ["20x_256px_0px_overlap"]
    assert len(study.slides.shards) == 4
    assert repr(study.config["probe"]["shots"]) == "[1, 2]"


def test_an_excluded_slide_is_not_trained_on(project):
    """Its case may be tested, and its pair is not counted."""
    for row in project.slides:
        row["keep"] = "no" if row["slide_id"] == "S0" else ""
    project.splits[3] |= {"case_id": "C0", "slide_id": "S0"}
    project.write()
    study = Study.open("config.yaml")
    study.check()
    assert [row["slide_id"] for row in study.models.trained_slides("one")] == ["S2", "S4", "S6"]
    assert study.plan()["runs"][0]["pairs"] == 3
