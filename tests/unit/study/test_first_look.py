"""What is looked at before Snakemake reads a config, and before the first job: files, conda, packages, weights."""

import json
import os
from pathlib import Path

import pytest
from molpath.study import Study, imports, weights_notes
from molpath.study.hints import for_path, nearest
from molpath.study.launcher import Launcher
from molpath.study.opening import check_config_files, check_working_folder, refuse_config_files
from molpath.study.problems import ProblemsFound

SNAKEMAKE = Launcher(version="9.27.1")


def refusal(config_files, own="") -> str:
    with pytest.raises(ProblemsFound) as caught:
        check_config_files(config_files, own)
    return str(caught.value)


def test_a_folder_without_a_config_is_reported(project):
    message = refusal([], "config/config.yaml")
    assert f"config/config.yaml: no such file in {project.folder}" in message
    assert "change to the folder of your study" in message


def test_a_target_behind_configfile_is_reported(project):
    project.write()
    message = refusal(["config.yaml", "features"])
    assert "--configfile config.yaml features: the option takes every word" in message
    assert "write the target first: snakemake features --configfile config.yaml" in message
    assert "did you mean config.yaml? Paths are relative" in refusal(["config.yml"])


def test_mistakes_are_reported_before_snakemake_fails(project, capsys):
    project.write()
    check_config_files(["config.yaml"], "config/config.yaml")
    Path("template.yaml").write_text("__use_yte__: true\n?if True:\n\tslides: {}\n")
    check_config_files(["template.yaml"])
    Path("config.yaml").write_text("slides:\n\tsheet: x\n")
    with pytest.raises(SystemExit):
        refuse_config_files(["config.yaml"])
    assert "config.yaml, line 2, column 1: a tab indents" in capsys.readouterr().err
    refuse_config_files(None)


def test_a_file_that_may_not_be_read_is_reported(project, monkeypatch):
    project.write()

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert "config.yaml: may not be read by you\n    -> ask its owner" in refusal(["config.yaml"])


def test_a_slide_that_may_not_be_read_is_reported(project, monkeypatch):
    project.write()
    monkeypatch.setattr("os.access", lambda path, mode: not str(path).endswith("S4.svs"))
    assert "slides.tsv, row 6, column path: files/S4.svs may not be read by you" in project.refusal()


def test_the_sheet_of_another_config_is_none_of_this_one(project):
    """A clone's example has the name that a study's config has, and would be mistaken for it."""
    project.write()
    for folder in ("config", "mine"):
        (project.folder / folder).mkdir()
    Path("config/config.yaml").write_text("slides: {sheet: slides.tsv}\n")
    Path("config/own.tsv").write_text(Path("slides.tsv").read_text())
    Path("mine/config.yaml").write_text(Path("config.yaml").read_text().replace("sheet: slides.tsv", "sheet: own.tsv"))
    with pytest.raises(ProblemsFound) as caught:
        Study.open("mine/config.yaml").check()
    assert "mine/config.yaml, key slides/sheet: no own.tsv in the working directory or beside this" in str(caught.value)
    assert "config/own.tsv belongs to another one\n    -> write mine/own.tsv" in str(caught.value)


def test_the_example_is_distinguished_from_a_sheet(project, repository):
    project.write()
    Path("slides.tsv").write_text((repository / "config/slides.tsv").read_text())
    assert "slides.tsv: these are the example rows that the workflow ships with" in project.refusal()


def test_conda_that_is_asked_for_and_not_there_is_reported(project, monkeypatch):
    project.write()
    monkeypatch.setattr("shutil.which", lambda name: None)
    with pytest.raises(ProblemsFound, match="--sdm conda: no conda is on PATH\n    -> install Miniforge"):
        Study(Study.open("config.yaml").config, launcher=Launcher("9.27.1", deployment=["conda"]))
    assert Launcher("9.27.1", deployment=["conda", "apptainer"]).without_conda() is None


@pytest.fixture
def tried(monkeypatch):
    """What imports are tried, and those that fail."""
    failing, imported = {}, []

    def try_imports(names):
        imported.append(tuple(names))
        return {name: error for name, error in failing.items() if name in (*names, "GPU")}

    monkeypatch.setattr(imports, "try_imports", try_imports)
    imports.tried.cache_clear()
    yield failing, imported
    imports.tried.cache_clear()


def opened(project, **software):
    """The study of a project whose encoder is UNI, as Snakemake opens it."""
    project.config["features"]["encoders"]["tiny"].update(adapter="uni_v1")
    project.config["software"] = software
    project.write()
    return Study(Study.open("config.yaml").config, launcher=SNAKEMAKE)


def test_a_torchvision_of_another_build_is_reported_when_planning(project, tried, monkeypatch):
    tried[0].update(torchvision="operator torchvision::nms does not exist", timm="operator torchvision::nms")
    monkeypatch.setattr(imports, "version_of", {"torch": "2.13.0+cpu", "torchvision": "0.27.0"}.get)
    note, *more_notes = opened(project).imports.notes()
    assert "can't import torchvision, which encoder tiny needs: version 0.27.0 is not the build that goes with" in note
    assert "pip install 'torchvision==0.28.*' --index-url https://download.pytorch.org/whl/cpu" in note
    assert not more_notes, "timm fails because of the other"


def test_imports_are_tried_for_jobs_that_would_run_alone(project, tried, monkeypatch):
    tried[0].update(openslide="no libopenslide.so.1")
    study = opened(project)
    assert study.imports.lacking([("tile_slides", {}), ("gather_embeddings", {"model": "mean"})]) == []
    assert tried[1] == []
    (lack,) = study.imports.lacking([("inspect_slides", {"shard": "00000"})])
    assert "can't import openslide, which slides need" in lack.wrong
    assert "no libopenslide.so.1" in lack.wrong
    with pytest.raises(ProblemsFound, match="can't import openslide"):
        study.endings.check_start(["all"], [], lacks=[lack])
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    bare = Study(study.config, launcher=Launcher("9.27.1", deployment=["conda"]))
    assert bare.imports.lacking([("inspect_slides", {})]) == []


def test_nothing_is_tried_where_nothing_is_left(project, tried):
    study = opened(project)
    for grid, encoder in study.models.used_sources():
        folder = project.folder / f"{study.places.results}/features/{grid}/{encoder}"
        folder.mkdir(parents=True)
        (folder / "00000.tsv").touch()
    for name in ("embed/mean", "embed/threads", "tissue"):
        (project.folder / study.places.results / name).mkdir(parents=True)
    (project.folder / study.places.results / "tissue/00000.tsv").touch()
    assert study.imports.notes() == []
    assert tried[1] == []


def test_a_gpu_that_is_requested_and_not_visible_is_reported(project, tried):
    tried[0].update(GPU="none")
    (note,) = opened(project, torch="gpu").imports.notes()
    assert "PyTorch sees no GPU on this machine" in note
    assert opened(project, torch="gpu", allow_cpu=True).imports.notes() == []


def test_a_trial_is_kept_until_something_is_installed(project, tried):
    (project.folder / ".snakemake").mkdir()
    assert imports.tried(("json",)) == {}
    imports.tried.cache_clear()
    assert imports.tried(("json",)) == {}
    assert len(tried[1]) == 1
    assert json.loads(Path(imports.KEPT).read_text())["failed"] == {}


def test_imports_are_tried_in_a_process_of_their_own():
    assert imports.try_imports(["json", "no_such_package"]) == {"no_such_package": "No module named 'no_such_package'"}


def test_weights_that_can_be_fetched_are_reported_with_the_next_command(project, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(project.folder / "home"))
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    study = opened(project)
    (note,) = weights_notes.notes_of_weights(study.encoders, ["tiny"])
    assert (
        "encoder tiny are fetched from https://huggingface.co/MahmoodLab/UNI, which gives access on request, " in note
    )
    assert "and no login is found here" in note
    assert (
        "accept the licence on https://huggingface.co/MahmoodLab/UNI, log in (`hf auth login`, or export HF_TOKEN"
        in note
    )
    assert "then: snakemake --cores 1 resources/encoders/hub/uni_v1" in note
    assert "without a login: adapter phikon_v2 (Owkin, non-commercial)" in note
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    (note,) = weights_notes.notes_of_weights(study.encoders, ["tiny"])
    assert "with the account you are logged in with" in note
    assert "hf_secret" not in note
    study.encoders.entries["tiny"]["adapter"] = "phikon_v2"
    (note,) = weights_notes.notes_of_weights(study.encoders, ["tiny"])
    assert "without a login\n    -> now, on a machine with internet: snakemake --cores 1" in note


@pytest.mark.parametrize(
    ("name", "expected"), [("thread", "threads"), ("TITAN", "titan"), ("x", ""), ("titan2", "titan")]
)
def test_the_nearest_name(name, expected):
    assert nearest(name, ["threads", "titan", "mean"]) == expected


def test_a_path_that_is_right_needs_no_hint(project):
    project.write()
    assert for_path("slides.tsv") == for_path("nowhere/at/all.tsv") == ""
    assert for_path("files/S9.svs") == "", "another number is another slide"


def test_a_working_folder_that_cannot_be_written_to_says_where_to_run(tmp_path, monkeypatch):
    """As in a clone that somebody else owns; root, who may write anywhere, acts as nobody here."""
    monkeypatch.chdir(tmp_path)
    check_working_folder()
    tmp_path.chmod(0o555)
    user = os.geteuid()
    try:
        os.seteuid(user or 65534)
        with pytest.raises(ProblemsFound) as caught:
            check_working_folder()
    finally:
        os.seteuid(user)
        tmp_path.chmod(0o755)
    assert f"{tmp_path}: this folder can't be written to" in str(caught.value)
    assert "molpath init FOLDER" in str(caught.value)
    (tmp_path / ".snakemake").mkdir()
    tmp_path.chmod(0o555)
    check_working_folder()
    tmp_path.chmod(0o755)
