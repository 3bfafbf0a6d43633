"""Encoders that are built and run before the run: what the doctor says of each."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from molpath.embed import foreign
from molpath.features.efficientnet_lite import EfficientNetLite0
from molpath.preflight import inputs, trials
from safetensors.torch import save_file


def encoder(adapter: str, *files, **config) -> dict:
    entry = {"adapter": adapter} | config
    return {"name": "e", "adapter": adapter, "config": entry, "files": list(map(str, files)), "edge": 256}


def tried(job: dict):
    (finding,) = trials.try_encoders([job])
    assert finding.check == "trial of encoder e"
    return finding


def model(kind: str, weights, width: int, **entry):
    job = {"name": "m", "model": {"kind": kind, "trust_remote_code": False} | entry, "weights": str(weights)}
    (finding,) = trials.try_slide_encoders([job | {"width": width}], deployed=False)
    assert finding.check == "trial of model m"
    return finding


def test_a_patch_goes_through_a_network_with_its_weights(tmp_path):
    torch.manual_seed(0)
    save_file(EfficientNetLite0().state_dict(), tmp_path / "w.safetensors")
    finding = tried(encoder("efficientnet_lite0", tmp_path / "w.safetensors"))
    assert (finding.verdict, "a patch of 256 px gave 1,280 numbers in " in finding.found) == ("ok", True), finding


def test_weights_of_another_network_are_reported_with_what_to_do(tmp_path):
    save_file({"a": torch.ones(2)}, tmp_path / "w.safetensors")
    finding = tried(encoder("efficientnet_lite0", tmp_path / "w.safetensors"))
    assert finding.verdict == "problem"
    assert "features: encoders: e: weights" in finding.remedy


def test_a_network_whose_weights_are_not_there_yet_is_built_without_them(tmp_path, vision_libraries):
    for adapter, width in (("efficientnet_lite0", "1,280"), ("conch_v15", "768"), ("virchow2", "2,560")):
        finding = tried(encoder(adapter, tmp_path / "not there"))
        words = f"its network can be built and gives {width} numbers; its weights are not there yet"
        assert (finding.verdict, finding.found) == ("ok", words)


def test_libraries_that_do_not_import(monkeypatch, tmp_path):
    """As where torchvision is of another build than torch, or timm lacks."""
    monkeypatch.setitem(sys.modules, "timm", None)
    finding = tried(encoder("uni_v1", tmp_path / "not there"))
    assert finding.verdict == "problem"
    assert "it can't run here: ModuleNotFoundError: import of timm halted" in finding.found
    assert "torch, torchvision and timm must be of one build" in finding.remedy


def test_a_users_own_function(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text("def build(weights, config):\n    raise KeyError('what?')\n")
    assert "KeyError" in tried(encoder("mine:build")).found
    assert tried(encoder("other:build")).verdict == "problem"
    assert tried(encoder("mean_colour")).verdict == "ok"
    assert not list(trials.try_encoders([encoder("precomputed")]))


def test_slide_encoders_of_others(tmp_path, monkeypatch):
    save_file(foreign.ChiefPooling().state_dict(), tmp_path / "chief.safetensors")
    finding = model("chief", tmp_path / "chief.safetensors", 768)
    assert (finding.verdict, finding.found.startswith("16 patches gave 768 numbers in ")) == ("ok", True), finding
    finding = model("chief", tmp_path / "chief.safetensors", 512)
    assert "chief takes 768 numbers per patch" in finding.found
    (tmp_path / "prism").mkdir()
    finding = model("prism", tmp_path / "prism", 2560)
    assert "set trust_remote_code: true" in finding.found
    takes_gpu = foreign.Foreign(1536, "", lambda path, device: None)
    monkeypatch.setitem(foreign.FOREIGN, "gigapath", takes_gpu)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    finding = model("gigapath", tmp_path / "prism", 1536)
    assert (finding.verdict, "node with a GPU" in finding.remedy) == ("problem", True)


def test_a_folder_with_weights_is_run(tmp_path, monkeypatch):
    """TITAN's and PRISM's weights are folders with code: neither the check of files nor the trial objects."""

    class Prism(torch.nn.Module):
        def slide_representations(self, features):
            return {"image_embedding": features.mean(1)[:, :1280]}

    (tmp_path / "prism").mkdir()
    empty = inputs.check_file("weights", str(tmp_path / "prism"))
    assert (empty.verdict, empty.found) == ("problem", f"{tmp_path}/prism is empty")
    (tmp_path / "prism/model.safetensors").write_bytes(b"x" * 2_000_000)
    (tmp_path / "prism/config.json").write_text("{}")
    finding = inputs.check_file("weights", str(tmp_path / "prism"))
    assert (finding.verdict, finding.found) == ("ok", f"{tmp_path}/prism, 2 files, 2 MB")
    monkeypatch.setattr(foreign, "from_hub_folder", lambda path: Prism())
    monkeypatch.setitem(foreign.FOREIGN, "prism", foreign.Foreign(2560, "", foreign.prism, "", remote_code=True))
    finding = model("prism", tmp_path / "prism", 2560, trust_remote_code=True)
    assert (finding.verdict, "gave 1,280 numbers" in finding.found) == ("ok", True), finding


def test_numbers_that_are_not_finite(tmp_path, monkeypatch):
    nothing = foreign.Foreign(8, "", lambda path, device: lambda bag: np.full(8, np.nan))
    monkeypatch.setitem(foreign.FOREIGN, "chief", nothing)
    assert "not finite" in model("chief", tmp_path, 8).found


def test_where_snakemake_makes_environments_slide_encoders_are_not_tried_in_this_one():
    job = {"name": "m", "model": {"kind": "titan"}, "weights": "", "width": 768}
    (finding,) = trials.try_slide_encoders([job], deployed=True)
    assert (finding.verdict, "envs/pretrain.yaml" in finding.found) == ("note", True)


@pytest.mark.parametrize(("gated", "suggested"), [("gigapath", "midnight12k (MIT)"), ("uni_v1", "phikon_v2")])
def test_an_encoder_without_login_is_suggested(gated, suggested):
    words = inputs.without_login(inputs.ADAPTERS[gated])
    assert suggested in words
    names = [name for name in inputs.ADAPTERS if f"{name} (" in words]
    assert len(names) == 2
    assert not any(inputs.ADAPTERS[name].gated for name in names)
