"""A pretrained model's folder with new slides or features: the study that comes of it, and what is refused."""

import contextlib

import numpy as np
import pytest
import yaml
from init_files import features_of, slide_files
from molpath.init.command import main
from molpath.study import Study
from trained_study import write_model

NAMES = ["C1_A", "C2_A", "C3_A"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A folder with a model, slides (empty files), and features of the model's width."""
    monkeypatch.chdir(tmp_path)
    write_model(tmp_path / "model")
    slide_files(tmp_path / "slides", [f"{name}.svs" for name in NAMES])
    write_given(tmp_path / "features", 768)
    return tmp_path


def write_given(folder, dim, **attributes):
    """Features in TRIDENT's layout."""
    marks = {"patch_size": 512, "target_magnification": 20, "overlap": 0} | attributes
    return features_of(folder, {name: np.zeros((2, dim), np.float32) for name in NAMES}, marks)


def config_of(folder):
    """The written config, which has passed every check of planning."""
    text = (folder / "new/config/config.yaml").read_text()
    assert len([line for line in text.splitlines() if not line.startswith("#")]) <= 25, text
    with contextlib.chdir(folder / "new"):
        Study.open("config/config.yaml").check()
    return yaml.safe_load(text)


def test_slides_are_cut_and_encoded_as_the_models_were(study, capsys):
    assert main(["init", "new", "--model", "model", "--slides", "slides"]) == 0, capsys.readouterr().err
    config = config_of(study)
    grid = {"magnification": 20, "patch_size": 512, "overlap": 0, "like": "trident", "drop": []}
    assert config["tiles"] == {"grids": {"main": grid}}
    assert config["features"] == {"encoders": {"conch_v15": {"adapter": "conch_v15"}}}
    entry = {"kind": "threads", "path": str(study / "model"), "grid": "main", "encoder": "conch_v15"}
    assert config["embed"] == {"models": {"shared": entry}, "use": ["shared"]}
    output = capsys.readouterr().out
    assert "grid 20x_512px_0px_overlap, encoder conch_v15, 1024 numbers per slide" in output
    assert "snakemake embed" in output
    assert "mean" not in output


def test_features_are_taken_for_the_models_by_its_names(study, capsys):
    assert main(["init", "new", "--model", "model", "--features", "features"]) == 0, capsys.readouterr().err
    config = config_of(study)
    assert config["tiles"]["grids"]["main"] == {"magnification": 20, "patch_size": 512, "overlap": 0}
    folder = {"adapter": "precomputed", "folder": str(study / "features")}
    assert config["features"] == {"encoders": {"conch_v15": folder}}


def test_a_model_of_features_that_another_tool_made_is_given_such(study, capsys):
    write_model(study / "theirs", encoder="theirs", adapter="theirs", input_size=0, tokens="")
    assert main(["init", "new", "--model", "theirs", "--slides", "slides"]) == 1
    errors = capsys.readouterr().err
    assert (
        "model shared reads features that another tool made (theirs), so slides can't be encoded for it here" in errors
    )
    assert main(["init", "new", "--model", "theirs", "--features", "features"]) == 0, capsys.readouterr().err
    assert list(config_of(study)["features"]["encoders"]) == ["theirs"]


def test_cases_that_were_trained_on_are_named(study, capsys):
    words = ["init", "new", "--model", "model", "--slides", "slides", "--case-pattern", "^[^_]+"]
    assert main(words) == 0, capsys.readouterr().err
    assert "note: the model was trained on 1 case of these (C1)" in capsys.readouterr().out


@pytest.mark.parametrize(("words", "message"), [
    (["--features", "features256"], "features256 has patches of grid 20x_256px_0px_overlap, and model"),
    (["--features", "narrow"], "1024 numbers per patch, and model shared reads 768 (conch_v15)"),
    (["--features", "features_uni_v1"], "_uni_v1 has features of uni_v1, and model shared reads those of"),
    (["--features", "features", "--encoder", "uni_v1"], "has features of uni_v1, and model shared reads those of"),
    (["--slides", "slides", "--grid", "20x_256px"], "--grid 20x_256px has patches of grid 20x_256px_0px_ove"),
    (["--slides", "slides", "--encoder", "uni_v1"], "--encoder uni_v1 has features of uni_v1, and model sha"),
    ([], "--model: also name what to embed: --slides DIR or --features DIR"),
])  # fmt: skip
def test_what_does_not_fit_the_model_writes_nothing(study, capsys, words, message):
    write_given(study / "features256", 768, patch_size=256)
    write_given(study / "narrow", 1024)
    write_given(study / "features_uni_v1", 768)
    assert main(["init", "new", "--model", "model", *words]) == 1
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == 1
    assert not (study / "new").exists()
