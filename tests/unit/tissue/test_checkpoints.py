"""Weights: loaded in every documented form, refused where digest, keys or contents are wrong, code never run."""

import hashlib
import re

import pytest
import torch
from molpath.common.contained import MethodUnusable
from molpath.tissue.checkpoints import fit, load_into, read_tensors
from safetensors.torch import save_file
from torch import nn


def small(seed=0):
    """A network with the kinds of tensors that segmentation networks have."""
    torch.manual_seed(seed)
    return nn.ModuleDict({"encoder": nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)), "head": nn.Conv2d(4, 2, 1)})


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def plain(state, folder):
    torch.save(state, folder / "w.pth")
    return folder / "w.pth"


def safetensors(state, folder):
    save_file(state, folder / "w.safetensors")
    return folder / "w.safetensors"


def lightning(state, folder):
    named = {f"model.{name}": tensor for name, tensor in state.items()}
    named["model.aux_classifier.0.weight"] = torch.zeros(3)
    torch.save(
        {"epoch": 3, "global_step": 10, "state_dict": named, "hyper_parameters": {"lr": 1e-4}}, folder / "w.ckpt"
    )
    return folder / "w.ckpt"


def data_parallel(state, folder):
    return plain({f"module.{name}": tensor for name, tensor in state.items()}, folder)


@pytest.mark.parametrize("write", [plain, safetensors, lightning, data_parallel])
def test_every_documented_form_is_read(write, tmp_path):
    path = write(small().state_dict(), tmp_path)
    network = load_into(small(1), str(path), sha(path))
    assert not network.training
    for name, tensor in small().state_dict().items():
        assert torch.equal(network.state_dict()[name], tensor), name


def refusal(path, sha256, network=None):
    """The message with which a file is refused."""
    with pytest.raises(MethodUnusable) as caught:
        load_into(network or small(1), str(path), sha256)
    return str(caught.value)


def test_another_digest_is_refused_before_the_file_is_opened(tmp_path):
    path = tmp_path / "w.pth"
    path.write_bytes(b"not even a checkpoint")
    message = refusal(path, "0" * 64)
    assert "0" * 64 in message
    assert sha(path) in message
    assert "not loaded" in message
    assert "can't be read" in refusal(tmp_path / "none.pth", "0" * 64)


def test_keys_that_do_not_fit_are_named(tmp_path):
    state = small().state_dict()
    del state["head.bias"]
    state["decoder.weight"] = torch.zeros(1)
    state["head.weight"] = torch.zeros(8, 4, 1, 1)
    path = plain(state, tmp_path)
    message = refusal(path, sha(path))
    assert "1 missing: head.bias" in message
    assert "1 unexpected: decoder.weight" in message
    assert "1 of another shape: head.weight (8, 4, 1, 1) instead of (2, 4, 1, 1)" in message


class Runs:
    """An object that makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_code_in_a_checkpoint_is_not_run(tmp_path):
    mark = tmp_path / "it-ran"
    path = plain(small().state_dict() | {"x": Runs(mark)}, tmp_path)
    message = refusal(path, sha(path))
    assert not mark.exists()
    assert "could run code" in message
    assert "state_dict()" in message
    torch.load(path, weights_only=False)
    assert mark.exists(), "the test's file should have run code where it is allowed to"


def test_a_pickled_network_is_refused(tmp_path):
    torch.save(small(), tmp_path / "whole.pth")
    message = refusal(tmp_path / "whole.pth", sha(tmp_path / "whole.pth"))
    assert re.search(r"torch\.nn\.modules\.container\.ModuleDict", message), message


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("contents", [b"", b"abc", b"\x80\x04.", b"PK\x03\x04broken"])
@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_damaged_files_are_refused(contents, name, tmp_path):
    path = tmp_path / name
    path.write_bytes(contents)
    assert str(path) in refusal(path, sha(path))


def test_files_without_a_state_dict_are_refused(tmp_path):
    for held in ([1, 2], {"state_dict": {"a": 1}}, {"a": "b"}):
        path = plain(held, tmp_path)
        assert "no state dict" in refusal(path, sha(path))
    path = safetensors({"a": torch.ones(1)}, tmp_path)
    assert list(read_tensors(str(path), sha(path))) == ["a"]
    with pytest.raises(MethodUnusable, match="missing"):
        fit(small(), {}, "nothing.pth")
