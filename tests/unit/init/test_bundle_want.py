"""A bundle with new slides: the study that comes of it, and what is refused."""

import contextlib
import json
import shutil

import pytest
import yaml
from bundle_files import TASK, bundle_of, signed
from init_files import slide_files
from molpath.init.command import main
from molpath.predict.stored import own_digest, text_of
from molpath.study import Study
from projects import Project

NAMES = ["D1_A", "D2_A", "D3_A"]


@pytest.fixture(scope="module")
def written(tmp_path_factory, repository):
    """A bundle whose encoder has weights of others."""
    project = Project(tmp_path_factory.mktemp("study"), repository)
    project.texts["uni.bin"] = b"weights of uni"
    project.config["features"]["encoders"]["tiny"] = {"adapter": "uni_v1", "weights": "uni.bin"}
    return bundle_of(project, "bundle")


@pytest.fixture
def folder(tmp_path, written, monkeypatch):
    """A folder with the bundle, slides (empty files) and the weights."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(written, tmp_path / "bundle")
    slide_files(tmp_path / "slides", [f"{name}.svs" for name in NAMES])
    (tmp_path / "mine.bin").write_bytes(b"weights of uni")
    return tmp_path


WORDS = ["init", "new", "--bundle", "bundle", "--slides", "slides"]


def test_a_bundle_and_slides_are_all_that_predictions_need(folder, capsys):
    assert main([*WORDS, "--weights", "uni_v1=mine.bin", "--case-pattern", "^[^_]+"]) == 0, capsys.readouterr().err
    config = yaml.safe_load((folder / "new/config/config.yaml").read_text())
    assert config == {
        "slides": {"sheet": ""},
        "predict": {"slides": "config/slides.tsv", "bundle": str(folder / "bundle")},
        "features": {"encoders": {"tiny": {"adapter": "uni_v1", "weights": str(folder / "mine.bin")}}},
    }
    with contextlib.chdir(folder / "new"):
        study = Study.open("config/config.yaml")
        study.check()
    assert study.predict.used == [f"mean/{TASK}", f"threads/{TASK}"]
    assert study.predict.cases == ["D1", "D2", "D3"]
    assert "snakemake predict" in capsys.readouterr().out


def test_labels_of_the_table_come_along_for_validation(folder, capsys):
    (folder / "table.csv").write_text("slide,patient,grade,other\nD1_A,P1,low,x\nD2_A,P2,high,y\nD3_A,P3,,z\n")
    words = ["--weights", "uni_v1=mine.bin", "--labels", "table.csv", "--case-column", "patient"]
    assert main([*WORDS, *words]) == 0, capsys.readouterr().err
    lines = [line.split("\t") for line in (folder / "new/config/slides.tsv").read_text().splitlines()]
    assert lines[0] == ["slide_id", "case_id", "path", "grade"]
    assert [line[:2] + line[3:] for line in lines[1:]] == [
        ["D1_A", "P1", "low"],
        ["D2_A", "P2", "high"],
        ["D3_A", "P3", ""],
    ]


def of_survival(bundle):
    """The bundle with one predictor that says it was fitted on survival in days."""
    path = bundle / f"predictors/mean/{TASK}/predictor.json"
    facts = json.loads(path.read_text())
    facts["label"] = facts["label"] | {"task_col": "OS", "extra_cols": ["OS_event", "OS_days"]}
    path.write_text(text_of(facts | {"sha256": own_digest(facts)}))
    signed(bundle)


def test_columns_that_validate_no_predictor_are_named(folder, capsys):
    of_survival(folder / "bundle")
    head = "slide,patient,Grade,OS_event,OS_months,ward\n"
    (folder / "table.csv").write_text(f"{head}D1_A,P1,low,1,3,x\nD2_A,P2,high,0,4,y\nD3_A,P3,,1,5,z\n")
    words = ["--weights", "uni_v1=mine.bin", "--labels", "table.csv", "--case-column", "patient"]
    assert main([*WORDS, *words]) == 0, capsys.readouterr().err
    output = capsys.readouterr().out
    assert (folder / "new/config/slides.tsv").read_text().splitlines()[0].split("\t")[3:] == ["OS_event"]
    assert (
        "OS_months of table.csv is not taken: predictors read OS_days: write days into a column of that name" in output
    )
    assert "Grade of table.csv is not taken: predictors read grade: rename the column" in output
    assert "no predictor is validated by ward of table.csv" in output
    assert "patient of table" not in output


@pytest.mark.parametrize(("words", "message"), [
    (["init", "new", "--bundle", "bundle"], "--bundle: name the slides to predict, too: --slides DIR"),
    ([*WORDS[:3], "slides", *WORDS[4:]], "slides: no bundle: there is no bundle.json in it"),
    ([*WORDS, "--grid", "20x_512px"], "--grid: the bundle sets it; leave it out"),
    ([*WORDS, "--weights", "uni=mine.bin"], "--weights uni=mine.bin: write NAME=FILE, where NAME is one of: uni_v1"),
    (WORDS, "key features/encoders/tiny/weights: empty, and the bundle doesn't hold weights of others"),
    ([*WORDS, "--weights", "uni_v1=bundle/README.md"], "README.md has another SHA-256 than"),
])  # fmt: skip
def test_what_does_not_fit_the_bundle_writes_nothing(folder, capsys, words, message):
    assert main(words) == 1
    assert message in capsys.readouterr().err
    assert not (folder / "new").exists()


def test_weights_that_no_bundle_asks_for(folder, tmp_path_factory, repository, capsys):
    shutil.rmtree(folder / "bundle")
    shutil.copytree(bundle_of(Project(tmp_path_factory.mktemp("plain"), repository)), folder / "bundle")
    assert main([*WORDS, "--weights", "uni_v1=mine.bin"]) != 0
    assert "the bundle needs no other weights; leave it out" in capsys.readouterr().err
