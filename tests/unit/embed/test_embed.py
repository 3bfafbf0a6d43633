"""Attention over patches, and slide encoders of others with random weights under the names of their files."""

import h5py
import numpy as np
import pytest
import torch
from molpath.common import kinds
from molpath.common.manifests import accepted, set_aside, write_manifest
from molpath.embed.attention import write_attention
from molpath.embed.bags import Bag, union
from molpath.embed.embedding import given_vectors
from molpath.embed.foreign import FOREIGN, ChiefPooling, FeatherPooling, MissingModel, get_foreign
from molpath.embed.given import take_vectors

from ..pretrain.cohort import train, write_cohort


def test_attention_of_named_slides_adds_up_and_is_placed_at_its_patches(tmp_path):
    write_cohort(tmp_path)
    train(tmp_path)
    write_attention(
        slides=["S3", "gone"], manifests=[tmp_path / "m.tsv"], run_folder=str(tmp_path / "out"),
        wsi=str(tmp_path / "wsi"), output=str(tmp_path / "attention.h5"),
    )  # fmt: skip
    with h5py.File(tmp_path / "attention.h5") as handle:
        assert list(handle) == ["S3"]
        assert handle["S3/attention"].shape == (2, 10)
        np.testing.assert_allclose(handle["S3/attention"][:].sum(1), 1, rtol=1e-5)
        entropies = -(handle["S3/attention"][:].astype(float) * np.log(handle["S3/attention"][:])).sum(1)
        np.testing.assert_allclose(handle["S3/attention"].attrs["effective_patches"], np.exp(entropies), rtol=1e-5)
        assert handle["S3/coords"][2].tolist() == [1024, 0]
        assert handle["S3/coords"].attrs["patch_size_level0"] == 512


CPU = torch.device("cpu")


def softmax(scores):
    shares = np.exp(scores - scores.max())
    return shares / shares.sum()


def gated(x, state, prefix):
    def linear(name, y):
        weight, bias = (state[f"{prefix}.{name}.{kind}"].double().numpy() for kind in ("weight", "bias"))
        return y @ weight.T + bias

    return linear("attention_c", np.tanh(linear("attention_a.0", x)) / (1 + np.exp(-linear("attention_b.0", x))))[:, 0]


@pytest.mark.parametrize(("kind", "network", "size"), [("chief", ChiefPooling, 768), ("feather", FeatherPooling, 512)])
def test_attention_networks_of_others(tmp_path, kind, network, size):
    torch.manual_seed(0)
    state = network().state_dict()
    extra = {"classifiers.weight": torch.zeros(2, 512)}
    named = state if kind == "chief" else {f"model.{name}": value for name, value in state.items()}
    torch.save(named | extra, tmp_path / "weights.pth")
    embed = get_foreign({"kind": kind}, str(tmp_path / "weights.pth"), CPU)
    x = np.random.default_rng(0).normal(size=(30, 768)).astype(np.float32)
    first = "attention_net.0" if kind == "chief" else "patch_embed.0"
    hidden = np.maximum(x @ state[f"{first}.weight"].numpy().T + state[f"{first}.bias"].numpy(), 0).astype(float)
    scores = gated(hidden, state, "attention_net.3" if kind == "chief" else "global_attn")
    expected = softmax(scores) @ (x if kind == "chief" else hidden)
    assert expected.shape == (size,)
    np.testing.assert_allclose(embed(Bag(x)), expected, atol=1e-5)


def test_names_of_chiefs_file():
    assert {f"attention_net.{name}" for name in (
        "0.weight", "0.bias", "3.attention_a.0.weight", "3.attention_a.0.bias", "3.attention_b.0.weight",
        "3.attention_b.0.bias", "3.attention_c.weight", "3.attention_c.bias",
    )} == set(ChiefPooling().state_dict())  # fmt: skip


def test_what_is_missing_is_reported(tmp_path):
    weights = tmp_path / "weights.pth"
    with pytest.raises(MissingModel, match="no weights at"):
        get_foreign({"kind": "chief"}, str(weights), CPU)
    torch.save({"other": torch.zeros(1)}, weights)
    with pytest.raises(MissingModel, match="no fitting tensor for attention_net.0.weight"):
        get_foreign({"kind": "chief"}, str(weights), CPU)
    for kind in ("titan", "prism"):
        with pytest.raises(MissingModel, match="set trust_remote_code: true"):
            get_foreign({"kind": kind, "trust_remote_code": False}, str(weights), CPU)
    with pytest.raises(MissingModel, match="needs the package gigapath"):
        get_foreign({"kind": "gigapath"}, str(weights), CPU)
    torch.save(ChiefPooling().state_dict(), weights)
    with pytest.raises(MissingModel, match="takes 768 numbers per patch .CHIEF-CTransPath"):
        get_foreign({"kind": "chief"}, str(weights), CPU)(Bag(np.zeros((2, 512), np.float32)))
    assert set(FOREIGN) == {"chief", "feather", "titan", "prism", "gigapath", "madeleine"}


def test_union_of_slides_has_no_coordinates():
    bag = Bag(np.ones((2, 3), np.float32), np.zeros((2, 2), np.int64), 512)
    assert union([bag]) is bag
    both = union([bag, bag])
    assert both.features.shape == (4, 3)
    assert both.coords is None


def test_adapters_are_those_that_planning_knows():
    assert set(FOREIGN) == set(kinds.FOREIGN)


def test_what_the_sheet_excludes_has_no_embedding_of_given_vectors(tmp_path):
    """A slide that can't be read may have a vector all the same; one with keep = no is left out."""
    (tmp_path / "vectors.tsv").write_text("case_id\tv0\nC1\t1\nC2\t2\n")
    slide_rows = [
        accepted("a"),
        set_aside("b", "excluded", "the sheet says keep = no"),
        set_aside("c", "excluded", "the sheet says keep = no"),
        set_aside("d", "unreadable", "no slide"),
    ]
    write_manifest(tmp_path / "slides.tsv", slide_rows, [])
    members = {name: [name] for name in "abcd"}
    cases = {"a": "C1", "b": "C1", "c": "C2", "d": "C1"}
    sources = str(tmp_path / "vectors.h5"), str(tmp_path / "slides.tsv")
    take_vectors(path=str(tmp_path / "vectors.tsv"), ids="", unit="", output=sources[0])
    rows, without, _ = given_vectors(members, cases, *sources)
    assert [(name, vector.tolist(), slides) for name, vector, _, slides in rows] == [
        ("a", [1.0], ["a"]),
        ("d", [1.0], ["d"]),
    ]
    assert without == dict.fromkeys("bc", ("excluded", "the sheet says keep = no"))
    rows, without, _ = given_vectors({"C1": ["a", "b", "d"], "C2": ["c"]}, {"C1": "C1", "C2": "C2"}, *sources)
    assert [(name, slides) for name, _, _, slides in rows] == [("C1", ["a", "d"])]
    assert without == {"C2": ("excluded", "the sheet says keep = no")}
