"""Every adapter at full width with random weights: size, output, files it takes and files it refuses.

Published weights can't be obtained in tests; what is known of each network (its size, the names in its file) is.
"""

import re

import numpy as np
import pytest
import torch
import vit_by_hand
from molpath.features import conch, timm_encoders
from molpath.features.registry import ADAPTERS
from molpath.features.timm_encoders import VISION_TRANSFORMERS, load_vision_transformer, vision_transformer
from molpath.features.weights import load_weights, timm_names
from safetensors.torch import save_file

pytestmark = pytest.mark.usefixtures("vision_libraries")
NETWORKS = {name: (lambda name=name: vision_transformer(name)) for name in VISION_TRANSFORMERS} | {
    "conch_v15": conch.ConchV15,
    "ctranspath": timm_encoders.ctranspath,
    "resnet50": timm_encoders.ThirdStage,
}
#: conch_v1 needs its authors' package; the other two have no network of timm's.
ELSEWHERE = {"conch_v1", "efficientnet_lite0", "mean_colour"}


def randomised(make, seed=0):
    """A network with weights that matter everywhere: at its start timm's LayerScale of 1e-5 hides all a block does.

    Made without memory first: drawing weights twice would take most of these tests' time.
    """
    with torch.device("meta"):
        network = make()
    computed = len([*network.parameters(), *network.buffers()]) > len(network.state_dict())
    network = make() if computed else network.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for value in network.parameters():
            middle, spread = (0.0, 0.035) if value.ndim > 1 else (0.3, 0.35)
            value.uniform_(middle - spread, middle + spread, generator=generator)
        for name, value in network.named_buffers():
            if name.endswith(("running_mean", "running_var")):
                value.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def some_images(size, count=1):
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def test_every_adapter_is_built_or_named_here():
    assert set(NETWORKS) | ELSEWHERE == set(ADAPTERS)


@pytest.mark.parametrize("adapter", sorted(NETWORKS))
def test_parameters_are_as_many_as_published(adapter):
    with torch.device("meta"):
        network = NETWORKS[adapter]()
    count = sum(value.numel() for value in network.parameters())
    assert count / 1e6 == pytest.approx(ADAPTERS[adapter].parameters, abs=0.006)
    if adapter == "conch_v15":
        assert (count, len(network.state_dict())) == (306_109_184, 352)


@pytest.mark.parametrize("adapter", sorted(VISION_TRANSFORMERS))
def test_transformers_give_their_tokens_from_a_file(adapter, tmp_path):
    trunk = randomised(lambda: vision_transformer(adapter, depth=1))
    state, facts = trunk.state_dict(), ADAPTERS[adapter]
    if facts.files[0].endswith(".safetensors"):
        save_file(state, tmp_path / "weights")
    else:
        torch.save(state, tmp_path / "weights")
    network = load_vision_transformer(adapter, str(tmp_path / "weights"), facts.tokens, depth=1)
    images = some_images(facts.input_size)
    with torch.inference_mode():
        tokens, features = trunk.forward_features(images), network(images)
    assert features.shape == (1, facts.dim)
    assert torch.equal(features[:, : tokens.shape[2]], tokens[:, 0])
    registers = re.search(r"(\d) registers", facts.network)
    prefix = 1 + int(registers[1]) if registers else 1
    patch = int(re.search(r"/(\d+)", facts.network)[1])
    assert tokens.shape[1] == prefix + (facts.input_size // patch) ** 2
    if facts.tokens == "cls_mean":
        torch.testing.assert_close(features[:, tokens.shape[2] :], tokens[:, prefix:].mean(1))


def transformers_names(adapter, trunk, side):
    """The weights of one of our networks as the transformers library would name them, with a table of side² places."""
    state, prefix = {}, "encoder.layer."
    for key, value in trunk.state_dict().items():
        if ".attn.qkv." in key:
            for name, part in zip(("query", "key", "value"), value.chunk(3), strict=True):
                renamed = key.replace("blocks.", prefix).replace("attn.qkv", f"attention.attention.{name}")
                state[renamed] = part.clone()
            continue
        key = key.replace("blocks.", prefix).replace("attn.proj", "attention.output.dense")
        key = re.sub(r"ls(\d)\.gamma", r"layer_scale\1.lambda1", key)
        if "SwiGLU" in ADAPTERS[adapter].network:
            key = key.replace("mlp.fc1", "mlp.weights_in").replace("mlp.fc2", "mlp.weights_out")
        key = re.sub(r"^norm\.", "layernorm.", key).replace("reg_token", "register_tokens")
        key = key.replace("patch_embed.proj", "embeddings.patch_embeddings.projection")
        state[f"embeddings.{key}" if key in ("cls_token", "register_tokens") else key] = value
    del state["pos_embed"]
    width = trunk.embed_dim
    generator = torch.Generator().manual_seed(2)
    state["embeddings.position_embeddings"] = torch.randn(1, 1 + side**2, width, generator=generator)
    return state | {"embeddings.mask_token": torch.zeros(1, width)}


@pytest.mark.parametrize(
    ("adapter", "heads", "side"), [("phikon_v2", 16, 14), ("hibou_l", 16, 16), ("midnight12k", 24, 37)]
)
def test_files_of_the_transformers_library(adapter, heads, side, tmp_path):
    """Renamed, query, key and value joined, positions at the size of our input, all equal to a network by hand."""
    state = transformers_names(adapter, randomised(lambda: vision_transformer(adapter, depth=2)), side)
    save_file(state, tmp_path / "model.safetensors")
    network = load_vision_transformer(adapter, str(tmp_path / "model.safetensors"), "cls_mean", depth=2)
    images = some_images(224)
    with torch.inference_mode():
        features = network(images)
    table = state["embeddings.position_embeddings"]
    grid = network.trunk.patch_embed.grid_size[0]
    if grid != side:
        places = vit_by_hand.bicubic(table[0, 1:].double().numpy(), grid, grid / side)
        table = torch.cat([table[:, :1].double(), torch.from_numpy(places)[None]], 1)
    tokens = vit_by_hand.dinov2(state, images, heads, table)
    prefix = network.trunk.num_prefix_tokens
    expected = torch.cat([tokens[:, 0], tokens[:, prefix:].mean(1)], 1)
    assert expected.std() > 0.1
    torch.testing.assert_close(features.double(), expected, atol=2e-4, rtol=2e-4)


def test_files_of_the_dinov2_authors():
    """Registers, SwiGLU, chunks of blocks and the head of pretraining, as GPFM's and Hibou's releases have them."""
    names = [
        "register_tokens",
        "blocks.0.1.mlp.w12.weight",
        "blocks.0.0.mlp.w3.bias",
        "blocks.1.ls1.weight",
        "norm.bias",
    ]
    state = {name: torch.ones(1) for name in [*names, "mask_token", "dino_head.last_layer.weight"]}
    assert list(timm_names(state)) == [
        "reg_token",
        "blocks.1.mlp.fc1.weight",
        "blocks.0.mlp.fc2.bias",
        "blocks.1.ls1.gamma",
        "norm.bias",
    ]


def test_wrapped_and_prefixed_state_dicts(tmp_path):
    inner = {"student.a": torch.zeros(1), "module.backbone.norm.weight": torch.ones(2)}
    torch.save({"teacher": inner, "epoch": 3}, tmp_path / "GPFM.pth")
    assert list(load_weights(str(tmp_path / "GPFM.pth"))) == ["norm.weight"]


@pytest.mark.parametrize("size", [224, 448])
def test_conch_v15_equals_a_network_by_hand(size, tmp_path):
    network = randomised(lambda: conch.ConchV15(depth=2))
    torch.save(network.state_dict(), tmp_path / "pytorch_model_vision.bin")
    loaded = conch.load_conch_v15(str(tmp_path / "pytorch_model_vision.bin"), depth=2)
    images = some_images(size)
    with torch.inference_mode():
        features = loaded(images)
    assert features.shape == (1, 768)
    expected = vit_by_hand.conch_v15(network.state_dict(), images)
    assert expected.std() > 0.1
    torch.testing.assert_close(features.double(), expected, atol=2e-4, rtol=2e-4)


def test_conch_v15_stretches_positions_its_own_way():
    """Neither antialiased nor sampled at 28 / 14: both differ from its authors' way by far more than rounding."""
    table = torch.randn(1, 197, 8, generator=torch.Generator().manual_seed(3))
    stretched = conch.stretched(table, 28)[0].double().numpy()
    expected = vit_by_hand.bicubic(table[0, 1:].double().numpy(), 28, 28.1 / 14)
    np.testing.assert_allclose(stretched[1:], expected, atol=1e-5)
    np.testing.assert_array_equal(stretched[0], table[0, 0].double())
    assert np.abs(vit_by_hand.bicubic(table[0, 1:].double().numpy(), 28, 2) - expected).max() > 0.01
    timms = timm_encoders.resampled_positions(table, 28, prefix=1, antialias=True)[0, 1:].double().numpy()
    assert np.abs(timms - expected).max() > 0.01
    assert conch.table_for_224(conch.stretched(table, 28)).shape == table.shape


def test_ctranspath_takes_files_of_the_old_swin(tmp_path):
    """Resolution halved at the end of a stage, tables of attention stored, all below `model`."""
    network = randomised(timm_encoders.ctranspath)
    old = {}
    for key, value in network.state_dict().items():
        key = re.sub(r"layers\.(\d)\.downsample", lambda match: f"layers.{int(match[1]) - 1}.downsample", key)
        old[key] = value
    old |= {"layers.0.blocks.1.attn_mask": torch.zeros(64, 49, 49), "head.weight": torch.zeros(1000, 768)}
    old["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.long)
    assert "layers.0.downsample.reduction.weight" in old
    torch.save({"model": old}, tmp_path / "ctranspath.pth")
    loaded = timm_encoders.load_ctranspath(str(tmp_path / "ctranspath.pth"))
    images = some_images(224, 2)
    with torch.inference_mode():
        features = loaded(images)
        last = loaded.forward_features(images)
        torch.testing.assert_close(features, last.mean((1, 2)))
        assert torch.equal(features, network(images))
    assert features.shape == (2, 768)
    assert last.shape == (2, 7, 7, 768)


def test_resnet50_is_the_third_stage_pooled(tmp_path):
    import timm

    whole = randomised(lambda: timm.create_model("resnet50", pretrained=False))
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    stages = timm.create_model("resnet50", pretrained=False, features_only=True, out_indices=[3]).eval()
    stages.load_state_dict(whole.state_dict(), strict=False)
    images = some_images(224)
    with torch.inference_mode():
        expected = stages(images)[0].mean((2, 3))
        features = timm_encoders.load_resnet50(str(tmp_path / "model.safetensors"))(images)
    assert features.shape == (1, 1024)
    torch.testing.assert_close(features, expected)
