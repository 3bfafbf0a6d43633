"""Section predict: the study of the new slides, and what is refused before any work."""

import contextlib
import json

import pytest
from molpath.study import Study
from molpath.study.config import Places
from molpath.study.problems import ProblemsFound
from projects import write_table


@pytest.fixture
def new(project):
    """A project with a predictor of `mean` and a sheet of three new slides, not yet written."""
    project.config["slides"]["max_failed_fraction"] = 0.2
    project.config["probe"]["predictors"] = [{"model": "mean", "task": "here--grade"}]
    project.config["predict"] = {"slides": "new.tsv"}
    project.new = [{"slide_id": f"N{k}", "case_id": f"K{k // 2}", "path": f"files/N{k}.svs"} for k in range(3)]
    return project


def write(project) -> None:
    project.write()
    for row in project.new:
        (project.folder / row["path"]).touch()
    write_table(project.folder / "new.tsv", project.new)


def opened(project) -> Study:
    write(project)
    with contextlib.chdir(project.folder):
        study = Study.open("config.yaml")
        study.check()
        return study


def refused(project) -> str:
    write(project)
    return project.refusal()


def test_the_study_of_new_slides_reads_what_predictors_need_and_no_more(new):
    study = opened(new)
    config = study.predict.config_in("results/predict/cohort")
    assert config["slides"]["sheet"] == "new.tsv"
    assert config["slides"]["max_failed_fraction"] == 1  # a slide that fails is a row
    assert study.config["slides"]["max_failed_fraction"] == 0.2
    assert list(config["embed"]["models"]) == config["embed"]["use"] == ["mean"]
    assert config["pretrain"]["runs"] == {}
    assert not {"probe", "omics", "predict", "report", "acquire"} & set(config)
    with contextlib.chdir(new.folder):
        inner = Study(json.loads(json.dumps(config)), Places(config_files=["config.yaml"], of_new_slides=True))
        inner.check()
        assert inner.notes() == []
    assert inner.slides.shards.keys() == study.predict.shards.keys()
    assert inner.models.used_sources() == [("20x_256px_0px_overlap", "tiny")]
    assert inner.predict.files() == []


def test_a_trained_encoder_is_that_of_the_study_around(new):
    """Its run is trained once, and the new slides' study takes the outer run's files."""
    new.config["probe"]["predictors"] = [{"model": "threads", "task": "here--grade"}]
    study = opened(new)
    with contextlib.chdir(new.folder):
        inner = Study(study.predict.config_in("elsewhere"), Places(of_new_slides=True))
        inner.check()
    assert inner.models.used_runs == []
    names = type("W", (), {"model": "threads"})()
    assert inner.models.weights(names) == study.models.weights(names)
    assert all(path.startswith("<trained>/one/") for path in inner.models.weights(names))


def test_new_slides_have_a_gallery(new):
    new.new.append({"slide_id": "N3", "case_id": "K1", "path": ""})
    study = opened(new)
    assert "<results>/predict/gallery.html" in study.targets.predicted()
    with contextlib.chdir(new.folder):
        assert study.predict.paths() == {f"N{k}": f"files/N{k}.svs" for k in range(3)} | {"N3": ""}
    cohort, grid = "<results>/predict/cohort", "20x_256px_0px_overlap"
    assert study.predict.grids() == [grid]
    assert study.predict.ledgers() == [f"{cohort}/tables/ledger/{grid}/tiny.tsv"]
    assert study.predict.inspected() == [f"{cohort}/slides/00000.tsv"]


def test_without_new_slides_there_is_no_gallery(new):
    new.config["predict"] = {}
    assert opened(new).predict.gallery() == []


def test_predictions_are_part_of_all_that_is_asked_for(new):
    study = opened(new)
    assert "<results>/predict/mean/here--grade/predictions.tsv" in study.targets.all()
    new.config["predict"] = {}
    assert not [path for path in opened(new).targets.all() if "/predict/" in path]


def test_new_cases_in_training_are_reported(new):
    new.new[0]["case_id"] = "C1"
    (note,) = [note for note in opened(new).notes() if "in_training" in note]
    assert "1 of the 3 cases of new.tsv are also in slides.tsv (C1)" in note


def test_the_training_sheet_is_no_sheet_of_new_slides(new):
    new.config["predict"]["slides"] = "slides.tsv"
    assert "slides.tsv is slides/sheet, too" in refused(new)


def test_a_name_of_this_study_means_the_same_file(new):
    new.new[1]["slide_id"] = "S3"
    assert "new.tsv, row 3, column slide_id: S3 is another file in slides.tsv, row 5" in refused(new)


def test_one_file_has_one_row(new):
    new.new[2]["path"] = "files/N0.svs"
    assert "row 4, column path: " in (message := refused(new))
    assert "is slide N0 of row 2, too" in message


def test_slides_to_download_are_refused(new):
    new.new[0]["url"] = "https://a.example/N0.svs"
    assert "row 2, column url: slide N0 is to be downloaded" in refused(new)


def test_nothing_to_apply(new):
    new.config["probe"]["predictors"] = []
    assert "there is no predictor to apply to them" in refused(new)


def test_an_unknown_predictor(new):
    new.config["predict"]["use"] = ["mean/here--grades"]
    assert "no predictor is called 'mean/here--grades'" in refused(new)


def test_what_to_do_with_no_slides(new):
    new.config["predict"] = {"use": ["mean/here--grade"]}
    assert "config, key predict/slides: empty, and predict/use says" in refused(new)


@pytest.mark.parametrize("label", ["0", "high"])
def test_labels_are_codes_or_names_of_classes(new, label):
    new.new[0]["grade"] = label
    assert opened(new)


def test_a_label_that_the_predictor_does_not_know(new):
    new.new[1]["grade"] = "medium"
    assert "new.tsv, row 3, column grade: 'medium' is no class of here--grade" in (message := refused(new))
    assert "write one of: low, high" in message


def test_an_empty_sheet(new):
    new.new = []
    write(new)
    (new.folder / "new.tsv").write_text("slide_id\tcase_id\tpath\n")
    message = new.refusal()
    assert "new.tsv: no rows below the header" in message


def test_a_sheet_that_is_not_there(new):
    write(new)
    (new.folder / "new.tsv").unlink()
    assert "config, key predict/slides: no such file: new.tsv" in new.refusal()


def test_two_rows_of_one_slide(new):
    new.new[1] |= {"slide_id": "N0", "case_id": "K0"}
    study = opened(new)
    with contextlib.chdir(new.folder), pytest.raises(ProblemsFound, match="N0 is already in row 2"):
        Study(study.predict.config_in("x"), Places(of_new_slides=True)).check()


def test_slides_of_a_job_are_counted_in_its_own_sheet(new):
    study = opened(new)
    assert study.predict.slides_of("tile_slides", {"shard": "00000"}) == 8
    assert study.predict.slides_of("molpath_predict_tile_slides", {"shard": "00000"}) == 3
    assert study.predict.slides_of("predict_cases", {"model": "mean"}) == 0


@pytest.mark.parametrize("name", ["low;grade", "low\tgrade"])
def test_a_class_whose_name_parts_cells_or_sets(new, name):
    """low;grade and high in one set would read as three classes."""
    new.task["label_dict"] = {0: name, 1: "high"}
    message = refused(new)
    assert f"config, key probe/predictors/0/task: class {name!r} of here--grade holds " in message
    assert "write another name into label_dict of tasks/grade/config.yaml" in message


def test_a_new_case_that_is_a_known_one_in_other_letters_is_reported(new):
    """c1 is no case of training by its name, and counts as external: whoever typed it should know."""
    new.new[0]["case_id"] = "c1"
    (note,) = [note for note in opened(new).notes() if "upper and lower case" in note]
    assert "c1 of new.tsv and C1 of slides.tsv differ only in upper and lower case" in note
