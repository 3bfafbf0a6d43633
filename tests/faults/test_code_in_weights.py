"""A file of weights that would run code when it is opened runs none, whoever opens it."""

import contextlib
import hashlib
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from molpath.acquire.encoder_weights import _convert
from molpath.embed.foreign import read_weights
from molpath.features.layouts import read_features
from molpath.features.weights import load_weights
from molpath.pretrain import molecular_encoders
from molpath.pretrain.training import Trainer
from molpath.tissue.checkpoints import read_tensors


class Runs:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def resume(path: Path) -> None:
    """Taking up a training; a state that is refused is set aside, and training begins again."""
    world = SimpleNamespace(rank=0, collect=lambda value: [value])
    Trainer._resume(SimpleNamespace(state_path=path, stamp="", world=world, network=torch.nn.Identity()))
    if not path.exists():
        raise ValueError("set aside")


def follow(path: Path) -> None:
    """As `resume`, of a rank that isn't the first one, which found the state whole."""
    world = SimpleNamespace(rank=1, collect=lambda _: ["whole"])
    Trainer._resume(SimpleNamespace(state_path=path, stamp="", world=world))


def scgpt(path: Path) -> None:
    molecular_encoders.load_scgpt(torch.nn.Identity(), str(path.parent))


READERS = {
    "tissue network": lambda path: read_tensors(str(path), hashlib.sha256(path.read_bytes()).hexdigest()),
    "published patch encoder": lambda path: _convert(path, path.parent / "out.safetensors"),
    "given features": lambda path: read_features(path.with_suffix(".pt")),
    "patch encoder": lambda path: load_weights(str(path)),
    "slide encoder": lambda path: read_weights(str(path)),
    "scGPT": scgpt,
    "state of a run": resume,
    "state of a run, other ranks": follow,
}


@pytest.mark.parametrize("reader", READERS)
def test_no_code_is_run(reader, tmp_path, monkeypatch):
    monkeypatch.setattr(molecular_encoders, "check_scgpt_sizes", lambda *_: None)
    mark = tmp_path / "it-ran"
    for name in ("best_model.pt", "best_model.pth"):
        torch.save({"a": torch.ones(2), "features": torch.ones(2, 3), "x": Runs(mark)}, tmp_path / name)
    with pytest.raises(Exception, match=r".") as refused:
        READERS[reader](tmp_path / "best_model.pth")
    assert not mark.exists(), refused.value
    with contextlib.closing(torch.load(tmp_path / "best_model.pt", weights_only=False)["x"]):
        assert mark.exists(), "the test's file should have run code where it is allowed to"
