"""The folder that `molpath init` writes: whole or not at all, over nothing, and right by the schema."""

import builtins
import os

import numpy as np
import pytest
from init_files import TRIDENT, features_of, few, labels_of, set_up, slide_files
from jsonschema import Draft202012Validator
from molpath.init import folder as writer
from molpath.study.config import config_schema

NAMES = [f"S{k}" for k in range(8)]


@pytest.fixture
def inputs(tmp_path):
    """Options of a study of features with labels."""
    features = features_of(tmp_path / "20x_512px_0px_overlap/features_conch_v15", few(NAMES))
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", [f"{n},{'ab'[k % 2]}" for k, n in enumerate(NAMES)])
    return "--features", features, "--labels", labels


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_config_is_short_right_and_says_only_what_was_chosen(tmp_path, capsys, inputs):
    result = set_up(tmp_path / "study", capsys, *inputs)
    assert result.code == 0, result.err
    text = (result.folder / "config/config.yaml").read_text()
    assert 10 <= len([line for line in text.splitlines() if not line.startswith("#")]) <= 25
    assert not list(Draft202012Validator(config_schema()).iter_errors(result.config))
    assert result.config["tiles"]["grids"] == {"main": {"magnification": 20, "patch_size": 512}}
    assert list(result.config["features"]["encoders"]) == ["conch_v15"]
    assert files_of(result.folder) == [
        ".gitignore",
        "Snakefile",
        "config/config.yaml",
        "config/slides.tsv",
        "config/tasks/labels/y/config.yaml",
        "config/tasks/labels/y/k=all.tsv",
        "profiles/default/profile.yaml",
    ]


def test_a_second_call_refuses_and_changes_nothing(tmp_path, capsys, inputs):
    set_up(tmp_path / "study", capsys, *inputs)
    before = {name: (tmp_path / "study" / name).read_bytes() for name in files_of(tmp_path / "study")}
    result = set_up(tmp_path / "study", capsys, *inputs)
    assert result.code == 1
    assert "has Snakefile and config and profiles already, and nothing will be overwritten" in result.err
    assert {name: (tmp_path / "study" / name).read_bytes() for name in files_of(tmp_path / "study")} == before


def test_files_of_others_stay(tmp_path, capsys, inputs):
    study = tmp_path / "study"
    study.mkdir()
    (study / "notes.txt").write_text("mine")
    (study / ".gitignore").write_text("mine")
    result = set_up(study, capsys, *inputs)
    assert result.code == 0, result.err
    assert (study / "notes.txt").read_text() == (study / ".gitignore").read_text() == "mine"
    assert sorted(path.name for path in study.iterdir() if path.name.startswith(".")) == [".gitignore"]


@pytest.mark.parametrize("existed", [True, False])
@pytest.mark.parametrize("step", ["place", "check"])
def test_a_failure_leaves_nothing(tmp_path, capsys, inputs, monkeypatch, existed, step):
    study = tmp_path / "study"
    if existed:
        study.mkdir()
    before = sorted(os.listdir(tmp_path))

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, step, fail)
    result = set_up(study, capsys, *inputs)
    assert result.code == 1
    assert "No space left on device" in result.err
    assert sorted(os.listdir(tmp_path)) == before
    assert not existed or not list(study.iterdir())


def test_a_study_that_would_not_run_is_not_written(tmp_path, capsys):
    slides = slide_files(tmp_path / "raw", ["S{1}.svs"])
    result = set_up(tmp_path / "study", capsys, "--slides", slides, "--grid", "20x_0px")
    assert result.code == 1
    assert "nothing was written" in result.err
    assert not (tmp_path / "study").exists()


def test_the_next_commands_suit_every_shell(tmp_path, capsys, inputs, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = set_up(tmp_path / "study", capsys, *inputs)
    after = result.out[result.out.index("Next:") :]
    assert "$" not in after
    assert "snakemake --dry-run" in after
    assert f"cd {tmp_path / 'study'}" in after


def test_two_grids_are_refused_wherever_they_are(tmp_path, capsys):
    mixed = features_of(tmp_path / "mixed", few(NAMES[:4]))
    features_of(mixed, few(NAMES[4:]), TRIDENT | {"target_magnification": 10})
    result = set_up(tmp_path / "study", capsys, "--features", mixed)
    assert result.code == 1
    assert "several grids in one folder: 20x_512px_0px_overlap (S0.h5); 10x_512px_0px_overlap (S4.h5)" in result.err
    for grid in ("10x_512px_0px_overlap", "20x_512px_0px_overlap"):
        features_of(tmp_path / f"trident/{grid}/features_uni_v1", few(NAMES))
    result = set_up(tmp_path / "study", capsys, "--features", tmp_path / "trident")
    assert result.code == 1
    assert "features of 2 runs" in result.err
    assert f"--features {tmp_path}/trident/20x_512px_0px_overlap/features_uni_v1" in result.err


def test_files_that_do_not_say_their_grid_need_it(tmp_path, capsys):
    clam = features_of(tmp_path / "clam/h5_files", few(NAMES), {}).parent
    result = set_up(tmp_path / "study", capsys, "--features", clam)
    assert result.code == 1
    assert "files of CLAM don't say on which grid they were made: give --grid 20x_512px" in result.err
    result = set_up(tmp_path / "study", capsys, "--features", clam, "--grid", "20x_256px", "--encoder", "UNI-v1")
    assert result.code == 0, result.err
    assert result.config["features"]["encoders"] == {"uni_v1": {"adapter": "precomputed", "folder": str(clam)}}
    assert result.config["tiles"]["grids"]["main"] == {"magnification": 20, "patch_size": 256}


def test_stamp_and_atlaspatch_say_grid_and_encoder(tmp_path, capsys):
    import h5py

    attributes = {"extractor": "uni", "unit": "um", "tile_size_um": 256.0, "tile_size_px": 224}
    for name in NAMES:
        (tmp_path / "stamp/uni-0123/sub").mkdir(parents=True, exist_ok=True)
        with h5py.File(tmp_path / f"stamp/uni-0123/sub/{name}.h5", "w") as handle:
            handle["feats"] = few([name])[name]
            handle.attrs.update(attributes)
        (tmp_path / "atlas/patches").mkdir(parents=True, exist_ok=True)
        with h5py.File(tmp_path / f"atlas/patches/{name}.h5", "w") as handle:
            handle["features/uni_v1"] = handle["features/conch_v15"] = few([name])[name]
            handle.attrs.update(TRIDENT)
    result = set_up(tmp_path / "one", capsys, "--features", tmp_path / "stamp/uni-0123")
    assert result.code == 0, result.err
    assert result.config["tiles"]["grids"]["main"] == {"magnification": 8.75, "patch_size": 224}
    assert list(result.config["features"]["encoders"]) == ["uni"]
    result = set_up(tmp_path / "two", capsys, "--features", tmp_path / "atlas")
    assert "choose with --encoder" in result.err
    result = set_up(tmp_path / "two", capsys, "--features", tmp_path / "atlas", "--encoder", "uni_v1")
    assert result.code == 0, result.err
    assert result.config["features"]["encoders"]["uni_v1"]["features"] == "uni_v1"


def test_two_thousand_slides_are_not_opened(tmp_path, capsys, monkeypatch):
    names = [f"TCGA-AA-{k:04d}-01Z-00-DX1" for k in range(2000)]
    slides = slide_files(tmp_path / "raw", [f"{name}.svs" for name in names])
    rows = [f"{name},{'ab'[k % 2]}" for k, name in enumerate(names)]
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", rows)
    opened, own = [], builtins.open

    def watch(path, *arguments, **named):
        opened.append(str(path))
        return own(path, *arguments, **named)

    monkeypatch.setattr(builtins, "open", watch)
    result = set_up(tmp_path / "study", capsys, "--slides", slides, "--labels", labels)
    assert result.code == 0, result.err
    assert len(result.sheet) == 2000
    assert not [path for path in opened if path.endswith(".svs")]
    assert len(opened) < 100


def test_vectors_make_a_study_without_slides(tmp_path, capsys):
    rows = [f"C{k},0.5,{k}" for k in range(20)]
    vectors = labels_of(tmp_path / "vectors.csv", "case_id,e0,e1", rows)
    clinical = [f"C{k},{'ab'[k % 2]},{k + 1},{k // 2 % 2}" for k in range(21)]
    labels = labels_of(tmp_path / "clinical.csv", "Patient,arm,OS_days,OS_event", clinical)
    result = set_up(tmp_path / "study", capsys, "--embeddings", vectors, "--labels", labels)
    assert result.code == 0, result.err
    assert result.config["embed"] == {
        "models": {"vectors": {"kind": "table", "path": str(vectors)}},
        "use": ["vectors"],
    }
    assert list(result.config["probe"]["tasks"]) == ["clinical--arm", "clinical--OS"]
    assert result.config["probe"]["tasks"]["clinical--arm"]["groups"] == ["frozen", "fewshot", "retrieval"]
    assert "slide_id" not in result.task("arm")[1][0]
    counted = [line.strip() for line in result.out.split("Counted:\n")[1].split("\n")]
    assert counted[:4] == [
        "20 cases",
        "20 of 21 cases in clinical.csv have embeddings",
        "0 cases without a row in clinical.csv",
        "1 row of clinical.csv without embeddings (C20)",
    ]


def test_vectors_of_slides_take_cases_from_their_table(tmp_path, capsys):
    rows = [f"S{k},C{k // 2},{k}" for k in range(16)]
    vectors = labels_of(tmp_path / "v.csv", "slide_id,case_id,e0", rows)
    labels = labels_of(tmp_path / "labels.csv", "case_id,y", [f"C{k},{'ab'[k % 2]}" for k in range(8)])
    result = set_up(tmp_path / "study", capsys, "--embeddings", vectors, "--labels", labels)
    assert result.code == 0, result.err
    assert {row["slide_id"]: (row["case_id"], row["y"]) for row in result.task("y")[1]}["S7"] == ("C3", "1")
    assert "a 4, b 4 labelled cases" in result.out


def test_data_in_the_study_folder_move_with_it(tmp_path, capsys):
    study = tmp_path / "study"
    features_of(study / "trident/20x_512px_0px_overlap/features_uni_v1", few(NAMES))
    result = set_up(study, capsys, "--features", study / "trident")
    assert result.code == 0, result.err
    folder = result.config["features"]["encoders"]["uni_v1"]["folder"]
    assert folder == "trident/20x_512px_0px_overlap/features_uni_v1"


def test_embeddings_of_every_form_are_compared(tmp_path, capsys):
    import anndata
    import pandas as pd

    values = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    features_of(tmp_path / "20x_512px_0px_overlap/slide_features_titan", dict(zip(NAMES, values, strict=True)))
    np.save(tmp_path / "array.npy", values)
    labels_of(tmp_path / "ids.tsv", "slide_id", NAMES)
    anndata.AnnData(values, obs=pd.DataFrame(index=NAMES)).write_h5ad(tmp_path / "cells.h5ad")
    frame = pd.DataFrame(values, columns=list("abc")).assign(slide_id=NAMES)
    frame.to_parquet(tmp_path / "frame.parquet", index=False)
    labels = labels_of(tmp_path / "labels.csv", "slide_id,y", [f"{n},{'ab'[k % 2]}" for k, n in enumerate(NAMES)])
    names = ["20x_512px_0px_overlap/slide_features_titan", "array.npy", "cells.h5ad", "frame.parquet"]
    paths = [str(tmp_path / name) for name in names]
    ids = tmp_path / "ids.tsv"
    result = set_up(tmp_path / "study", capsys, "--embeddings", *paths, "--ids", ids, "--labels", labels)
    assert result.code == 0, result.err
    assert result.config["embed"]["use"] == ["slide_features_titan", "array", "cells", "frame"]
    assert result.config["embed"]["models"]["slide_features_titan"]["unit"] == "slide_id"
    assert result.config["embed"]["models"]["array"]["ids"] == str(ids)
    assert "8 slides of 8 cases" in result.out


def test_folds_of_a_table_are_reported(tmp_path, capsys, inputs):
    text = inputs[3].read_text().replace("slide_id,y", "slide_id,y,split,fold_0")
    inputs[3].write_text(text.replace(",a\n", ",a,train,test\n").replace(",b\n", ",b,test,train\n"))
    result = set_up(tmp_path / "study", capsys, *inputs)
    assert result.code == 0, result.err
    assert list(result.config["probe"]["tasks"]) == ["labels--y"]
    assert "note: split, fold_0 of labels.csv not used" in result.out


@pytest.mark.parametrize(
    ("arguments", "option", "start"),
    [
        (["--slides", "raw", "--weights", "a=b"], "--weights", "--slides"),
        (["--bundle", "b", "--slides", "raw", "--folds", "3"], "--folds", "--bundle"),
        (["--features", "f", "--mpp", "0.5"], "--mpp", "--features"),
        (["--embeddings", "e.csv", "--grid", "20x_512px"], "--grid", "--embeddings"),
        (["--features", "f", "--unit", "case_id"], "--unit", "--features"),
        (["--slides", "raw", "--skip-missing"], "--skip-missing", "--slides"),
        (["--paper", "bcnb--er", "--labels", "l.csv"], "--labels", "--paper"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(tmp_path, capsys, arguments, option, start):
    result = set_up(tmp_path / "study", capsys, *arguments)
    assert result.code == 1
    assert f"molpath init: {option}: it has no effect with {start}, only with --" in result.err
    assert not (tmp_path / "study").exists()
