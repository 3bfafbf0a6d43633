"""Slide encoders of others run on the chosen device: stand-ins for their packages record devices and precisions.

The device `meta` holds no numbers, so that a tensor that stays on the CPU is an error; what comes back from it is made
up, because nothing can be read from it.
"""

import importlib
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from molpath.embed import foreign
from molpath.embed.bags import Bag
from molpath.embed.foreign import MissingModel, get_foreign
from torch import nn

META, CPU = torch.device("meta"), torch.device("cpu")
WIDTHS = {"titan": 768, "prism": 2560, "gigapath": 1536, "madeleine": 512, "chief": 768, "feather": 768}


class StandIn(nn.Module):
    """A projection to 4 numbers, under the names by which the packages are called; records where it ran."""

    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, 4)
        self.devices = []

    def pooled(self, *tensors):
        self.devices.append([self.layer.weight.device.type, *(tensor.device.type for tensor in tensors)])
        return self.layer(tensors[0]).mean(1)

    def encode_slide_from_patch_features(self, features, coords, edge):
        assert (coords.dtype, edge) == (torch.int64, 512)
        return self.pooled(features, coords)

    def slide_representations(self, features):
        return {"image_embedding": self.pooled(features)}

    def forward(self, features, coords, all_layer_embed):
        assert self.tile_size == 512
        return [None] * 11 + [self.pooled(features, coords)]

    def encode_he(self, features, device):
        assert device == features.device
        return self.pooled(features)

    def cuda(self):
        raise AssertionError("a network is moved by .to(device)")


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Weights and a stand-in network of a kind, whose packages hand it out."""

    def make(kind):
        network = StandIn(WIDTHS[kind])
        auto = SimpleNamespace(from_pretrained=lambda path, **options: calls.append(options) or network)
        calls = []
        model = SimpleNamespace(MADELEINE=lambda config, stain_encoding: network)
        modules = {
            "transformers": SimpleNamespace(AutoModel=auto),
            "gigapath.slide_encoder": SimpleNamespace(create_model=lambda *_, **__: network),
            "madeleine.models.Model": model,
        }
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        installed = SimpleNamespace(find_spec=lambda name: name)
        packages = SimpleNamespace(util=installed, import_module=importlib.import_module)
        monkeypatch.setattr(foreign, "importlib", packages)
        monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
        if kind == "gigapath":
            torch.save({}, tmp_path / "weights.pth")
            return network, tmp_path / "weights.pth", calls
        (tmp_path / "model_config.json").write_text(json.dumps({"precision": "bfloat16"}))
        torch.save({f"module.{name}": value for name, value in network.state_dict().items()}, tmp_path / "model.pt")
        return network, tmp_path, calls

    return make


def bag(kind):
    x = np.random.default_rng(0).normal(size=(5, WIDTHS[kind])).astype(np.float32)
    return Bag(x, np.zeros((5, 2), np.int64), 512)


@pytest.mark.parametrize("kind", ["titan", "prism", "gigapath", "madeleine"])
def test_network_and_patches_are_on_the_device_that_is_asked_for(load, kind, monkeypatch):
    network, weights, calls = load(kind)
    embed = get_foreign({"kind": kind, "trust_remote_code": True}, str(weights), META)
    monkeypatch.setattr(torch.Tensor, "cpu", lambda self: torch.zeros(self.shape))  # nothing comes back from meta
    assert embed(bag(kind)).shape == (4,)
    (devices,) = network.devices
    assert set(devices) == {"meta"}
    assert not network.training
    assert all(options["local_files_only"] for options in calls)
    assert len(calls) == (kind in ("titan", "prism"))


@pytest.mark.parametrize("kind", ["titan", "prism", "madeleine"])
def test_the_same_vector_comes_from_a_cpu_in_float32(load, kind):
    network, weights, _ = load(kind)
    vectors = get_foreign({"kind": kind, "trust_remote_code": True}, str(weights), CPU)(bag(kind))
    with torch.no_grad():
        expected = network.layer(torch.from_numpy(bag(kind).features)).mean(0)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected.numpy(), atol=1e-6)


def test_gigapath_is_refused_without_a_gpu_and_madeleine_without_its_files(load, tmp_path):
    _, weights, _ = load("gigapath")
    with pytest.raises(MissingModel, match="runs on a GPU only"):
        get_foreign({"kind": "gigapath"}, str(weights), CPU)
    load("madeleine")
    (tmp_path / "model.pt").unlink()
    with pytest.raises(MissingModel, match=r"no model.pt in"):
        get_foreign({"kind": "madeleine"}, str(tmp_path), CPU)


def test_a_promised_gpu_that_is_not_there_ends_the_job(load):
    from molpath.common.devices import NoGpu
    from molpath.embed.models import get_embed

    _, weights, _ = load("prism")
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    model = {"kind": "prism", "trust_remote_code": True}
    with pytest.raises(NoGpu, match="asked for a GPU"), get_embed(model, str(weights), 1, None, True):
        pass
    with get_embed(model, str(weights), 1, None) as embed:
        assert callable(embed)
