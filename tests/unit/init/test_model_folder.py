"""The folder of a pretrained model: what it says of its patches, wherever it is, and what is refused."""

import json
import shutil

import pytest
from molpath.common.digests import sha256_of
from molpath.init.draft import Refusal
from molpath.init.model_folder import read_pretrained, same_scale
from trained_study import write_model


def test_what_patches_a_model_reads_is_all_that_a_study_needs(tmp_path):
    model = read_pretrained(str(write_model(tmp_path / "model")))
    assert (model.name, model.encoder, model.dim, model.run.width) == ("shared", "conch_v15", 768, 1024)
    assert model.grid == {"magnification": 20, "patch_size": 512, "overlap": 0, "like": "trident", "drop": []}
    assert model.grid_name == "20x_512px_0px_overlap"
    assert model.entry == {"adapter": "conch_v15"}
    assert (model.unsaid, model.reads_given, model.trained_on(["C1", "C2"])) == ([], False, ["C1"])


def test_settings_that_are_no_defaults_are_kept(tmp_path):
    own = {
        "grid": "0.25mpp_224px_32px", "adapter": "virchow2", "input_size": 448, "tokens": "cls", "crops": 5,
        "decode": "half", "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1], "stain": "macenko", "revision": "abc",
    }  # fmt: skip
    model = read_pretrained(str(write_model(tmp_path / "model", encoder="v2", **own)))
    assert model.grid == {"mpp": 0.25, "patch_size": 224, "overlap": 32, "like": "trident", "drop": []}
    assert model.entry.pop("stain") == {"method": "macenko"}
    kept = ("adapter", "input_size", "tokens", "crops", "decode", "mean", "std", "revision")
    assert model.entry == {key: own[key] for key in kept} | {"stain": {"method": "macenko"}}


def test_a_model_of_given_features_says_that_it_reads_those(tmp_path):
    model = read_pretrained(str(write_model(tmp_path / "model", encoder="theirs", adapter="theirs")))
    assert (model.encoder, model.reads_given) == ("theirs", True)


def test_what_a_folder_does_not_say_is_reported(tmp_path):
    folder = write_model(tmp_path / "model", stain="reinhard", cut=None)
    config = json.loads((folder / "config.json").read_text())
    del config["run"]["patches"]["cut"]
    (folder / "config.json").write_text(json.dumps(config))
    names = ("config.json", "model.safetensors")
    (folder / "sha256.txt").write_text("".join(f"{sha256_of(folder / name)}  {name}\n" for name in names))
    model = read_pretrained(str(folder))
    assert model.grid == {"magnification": 20, "patch_size": 512, "overlap": 0}
    assert ["earlier version" in model.unsaid[0], "stain/target" in model.unsaid[1]] == [True, True]


@pytest.mark.parametrize("named", ["", "results", "results/pretrain/runs", "results/pretrain/runs/one/config.json"])
def test_the_folder_is_found_from_around_it(tmp_path, named):
    folder = write_model(tmp_path / "results/pretrain/runs/one")
    assert read_pretrained(str(tmp_path / named)).folder == str(folder)


def test_of_several_models_one_must_be_named(tmp_path):
    for name in ("one", "two"):
        write_model(tmp_path / "results/pretrain/runs" / name)
    with pytest.raises(Refusal, match=r"holds 2 models: name one \(.*runs/one, .*runs/two\)"):
        read_pretrained(str(tmp_path))


@pytest.mark.parametrize(("spoil", "message"), [
    (lambda f: shutil.rmtree(f), "no folder .*model: name a model's folder, results/pretrain/runs/<run> of a study"),
    (lambda f: (f / "model.safetensors").unlink(), "holds no model.safetensors: name a model's folder"),
    (lambda f: (f / "sha256.txt").unlink(), "no such file: .*sha256.txt: name the folder of a finished run"),
    (lambda f: (f / "model.safetensors").write_bytes(b"x"), "differ from their SHA-256 .*: copy the folder again"),
    (lambda f: (f / "config.json").unlink(), "no such file: .*config.json"),
])  # fmt: skip
def test_a_folder_that_is_not_whole_is_refused(tmp_path, spoil, message):
    spoil(write_model(tmp_path / "model"))
    with pytest.raises(Refusal, match=message):
        read_pretrained(str(tmp_path / "model"))


def test_a_name_of_the_hub_says_how_to_get_it():
    with pytest.raises(Refusal, match="if it is a model on the hub: hf download lab/threads --local-dir threads"):
        read_pretrained("lab/threads")


@pytest.mark.parametrize(("offered", "message"), [
    ({"grid": "20x_256px_0px_overlap"}, "F has patches of grid 20x_256px_0px_overlap, and model shared reads grid 20"),
    ({"grid": "40x_512px_0px_overlap"}, "F has patches of grid 40x_512px_0px_overlap"),
    ({"encoder": "uni_v1"}, "F has features of uni_v1, and model shared reads those of conch_v15"),
    ({"dim": 1024}, r"F has 1024 numbers per patch, and model shared reads 768 \(conch_v15\)"),
])  # fmt: skip
def test_other_features_are_refused_in_one_sentence(tmp_path, offered, message):
    model = read_pretrained(str(write_model(tmp_path / "model")))
    with pytest.raises(Refusal, match=message) as caught:
        model.check_features("F", **offered)
    assert "\n" not in str(caught.value)
    model.check_features("F", grid="20x_512px_0px_overlap-strict", encoder="conch_v15", dim=768)
    model.check_features("F")


def test_scales_are_compared_as_scales():
    assert same_scale("20x_512px_0px_overlap", "0.5mpp_512px_0px_overlap")
    assert not same_scale("20x_512px_64px_overlap", "20x_512px_0px_overlap")
