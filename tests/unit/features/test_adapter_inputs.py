"""How tiles become what a network takes, and weights that are refused."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from molpath.features.encoders import NetworkEncoder, build, loader_of
from molpath.features.registry import ADAPTERS, describe, facts_of
from molpath.features.timm_encoders import load_vision_transformer, vision_transformer
from PIL import Image

from .test_adapters import randomised

pytestmark = pytest.mark.usefixtures("vision_libraries")


def ways_of_preparing():
    """One adapter for each way to resize, cut and normalise."""
    ways = {}
    for name, facts in ADAPTERS.items():
        if facts.input_size:
            edge = int(facts.tile["patch_size"]) if facts.tile else 512
            ways.setdefault((edge, facts.resize, facts.input_size, facts.interpolation, facts.mean), name)
    return sorted(ways.values())


@pytest.mark.parametrize("adapter", ways_of_preparing())
def test_preprocessing_is_pils(adapter):
    facts = ADAPTERS[adapter]
    edge = int(facts.tile["patch_size"]) if facts.tile else 512
    coarse = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((edge, edge), Image.Resampling.BICUBIC)
    prepared = NetworkEncoder(torch.nn.Identity(), facts).prepare(torch.from_numpy(np.array(image)[None]))
    method = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}[facts.interpolation]
    border = (facts.resize - facts.input_size) // 2
    box = (border, border, border + facts.input_size, border + facts.input_size)
    expected = np.asarray(image.resize((facts.resize, facts.resize), method).crop(box), np.float64) / 255
    expected = (expected - np.array(facts.mean)) / np.array(facts.std)
    assert prepared.shape == (1, 3, facts.input_size, facts.input_size)
    levels = np.abs(prepared[0].permute(1, 2, 0).numpy() - expected) * np.array(facts.std) * 255
    # torch and PIL round fixed-point weights of another length, in two passes each
    assert levels.max() < 2.01
    assert (levels > 0.5).mean() < 0.01


def test_five_crops_are_averaged():
    facts = replace(ADAPTERS["kaiko_vits16"], interpolation="bilinear")

    class Mean(torch.nn.Module):
        def forward(self, images):
            return images.mean((2, 3))

    patch = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3), dtype=np.uint8)
    features = NetworkEncoder(Mean(), facts, crops=5)(torch.from_numpy(patch))
    places = [(16, 16), (0, 0), (0, 32), (32, 0), (32, 32)]
    crops = [patch[:, y : y + 224, x : x + 224].mean((1, 2)) / 127.5 - 1 for y, x in places]
    np.testing.assert_allclose(features.numpy(), np.mean(crops, axis=0), atol=1e-5)


def saved(network, path):
    torch.save(network.state_dict(), path)
    return str(path)


def test_weights_of_another_network_are_refused_with_names(tmp_path):
    path = saved(vision_transformer("kaiko_vits16"), tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"doesn't hold the weights of lunit_vits8: 2 of another shape: pos_embed"):
        build([path], {"adapter": "lunit_vits8"})
    with pytest.raises(ValueError, match=r"weights of conch_v15: 352 missing: trunk\.cls_token, .*, …; 150 unexpected"):
        build([path], {"adapter": "conch_v15"})


def test_a_file_without_layer_scale_is_not_taken_for_uni(tmp_path):
    path = saved(vision_transformer("uni_v1", depth=1, init_values=None), tmp_path / "bare.pth")
    with pytest.raises(ValueError, match=r"2 missing: blocks\.0\.ls1\.gamma, blocks\.0\.ls2\.gamma"):
        load_vision_transformer("uni_v1", path, "cls", depth=1)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    torch.save({"a": math.gcd}, tmp_path / "bad.bin")  # whole, except what it names
    with pytest.raises(ValueError, match="not a file of weights that can be loaded without running code"):
        build([str(tmp_path / "bad.bin")], {"adapter": "uni_v1"})
    (tmp_path / "pointer.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(ValueError, match="download is incomplete"):
        build([str(tmp_path / "pointer.bin")], {"adapter": "uni_v1"})


def test_gated_weights_that_are_missing_name_their_page():
    with pytest.raises(ValueError, match="needs a file of weights .*, from https://huggingface.co/paige-ai/Virchow2"):
        build([], {"adapter": "virchow2"})


def test_conch_v1_without_its_package_says_where_it_is(tmp_path):
    with pytest.raises(ValueError, match=r"pip install git\+https://github.com/mahmoodlab/CONCH"):
        loader_of("conch_v1")(str(tmp_path / "x"), ADAPTERS["conch_v1"])


def test_tokens_decide_the_width():
    assert facts_of({"adapter": "midnight12k", "tokens": "cls"}).dim == 1536
    assert facts_of({"adapter": "h0_mini", "tokens": "cls_mean"}).dim == 1536
    with pytest.raises(ValueError, match="conch_v15 gives attention pooler; tokens can't be 'cls'"):
        facts_of({"adapter": "conch_v15", "tokens": "cls"})


def test_how_tiles_become_inputs_is_what_the_cards_say():
    """The list in workflow/docs/encoders.md; sizes are those of resizing and input."""
    expected = {
        "hoptimus0": ("bilinear", 224, 224, True),
        "hoptimus1": ("bilinear", 224, 224, True),
        "h0_mini": ("bicubic", 224, 224, True),
        "phikon_v2": ("bilinear", 224, 224, False),
        "lunit_vits8": ("bicubic", 248, 224, False),
        "midnight12k": ("bilinear", 224, 224, False),
    }
    facts = {name: ADAPTERS[name] for name in expected}
    assert {n: (f.interpolation, f.resize, f.input_size, f.gated) for n, f in facts.items()} == expected


def test_another_input_size_reaches_the_network(tmp_path):
    """A transformer made for 224 pixels looks at 64 patches of 64, and positions are interpolated."""
    path = saved(randomised(lambda: vision_transformer("kaiko_vits16")), tmp_path / "vits16.pth")
    encoder = build([path], {"adapter": "kaiko_vits16", "input_size": 64})
    assert encoder.prepare(torch.zeros((1, 96, 96, 3), dtype=torch.uint8)).shape == (1, 3, 64, 64)
    assert encoder(torch.zeros((1, 96, 96, 3), dtype=torch.uint8)).shape == (1, 384)
    about = [describe({"adapter": "kaiko_vits16", "input_size": size}, [path]) for size in (0, 64)]
    assert about[0]["input_size"] == 224
    assert (about[1]["input_size"], about[1]["resize"]) == (64, 64)


def test_an_input_size_of_its_own_sets_the_resize_too():
    facts = facts_of({"adapter": "gigapath", "input_size": 256})
    assert (facts.resize, facts.input_size) == (256, 256)


@pytest.mark.parametrize(
    ("adapter", "size", "message"),
    [
        ("hoptimus1", 256, "looks at 14 pixels at a time; 256 is no multiple"),
        ("conch_v15", 512, "conch_v15 takes patches of its own size only"),
        ("ctranspath", 256, "ctranspath takes patches of its own size only"),
        ("mean_colour", 256, "mean_colour takes patches of its own size only"),
    ],
)
def test_input_sizes_that_a_network_cannot_take(adapter, size, message):
    with pytest.raises(ValueError, match=message):
        facts_of({"adapter": adapter, "input_size": size})


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_stored_features_agree_with_fp32(precision, tmp_path):
    """Cosine of features as they are stored (fp16) with those of fp32, for a ViT-S/16 with random weights."""
    path = saved(randomised(lambda: vision_transformer("kaiko_vits16")), tmp_path / "vits16.pth")
    coarse = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    patches = np.stack([np.asarray(Image.fromarray(c).resize((256, 256))) for c in coarse])
    exact = build([path], {"adapter": "kaiko_vits16"})(torch.from_numpy(patches)).double()
    lowered = build([path], {"adapter": "kaiko_vits16", "precision": precision})(torch.from_numpy(patches))
    assert lowered.dtype == torch.float32
    assert torch.cosine_similarity(exact, lowered.half().double()).min() >= 0.9995
