"""Work of encoders against counts of the networks themselves and figures that their authors or others published."""

from pathlib import Path

import pytest
from molpath.features.registry import ADAPTERS
from molpath.preflight.networks import Transformer, read_networks

TABLE = read_networks(Path(__file__).resolve().parents[3] / "resources/costs/encoders.tsv")


def test_every_built_in_network_has_its_work():
    assert set(TABLE) == {name for name, facts in ADAPTERS.items() if facts.input_size}
    assert all(TABLE[name].pixels == ADAPTERS[name].input_size for name in TABLE)


@pytest.mark.parametrize(
    ("sizes", "published"),
    [
        # 10^9 multiply-adds at 224 px, DeiT III, table 1 (arXiv 2204.07118): ViT-S, B, L of 16 px, H of 14 px
        (Transformer(16, 384, 12, 1536, False, 1), 4.6),
        (Transformer(16, 768, 12, 3072, False, 1), 17.6),
        (Transformer(16, 1024, 24, 4096, False, 1), 61.6),
        (Transformer(14, 1280, 32, 5120, False, 1), 167.4),
    ],
)
def test_published_figures_of_vision_transformers(sizes, published):
    assert sizes.flops(224) / 2e9 == pytest.approx(published, rel=0.01)


@pytest.mark.parametrize(
    ("name", "published"),
    # Swin-T (arXiv 2103.14030), with another stem here; EfficientNet-Lite0 (its authors' page), without its classifier
    [("ctranspath", 4.5), ("efficientnet_lite0", 0.407), ("uni_v1", 61.6), ("kaiko_vitb16", 17.6)],
)
def test_published_figures_of_encoders(name, published):
    assert TABLE[name].flops(0) / 2e9 == pytest.approx(published, rel=0.06)


@pytest.mark.parametrize("name", [name for name, network in TABLE.items() if network.transformer])
def test_the_formula_gives_what_was_counted(name):
    """CONCHv1.5 has an attention pooler besides."""
    network = TABLE[name]
    assert network.transformer.flops(network.pixels) == pytest.approx(network.counted, rel=0.01)


@pytest.mark.parametrize("name", sorted(set(TABLE) - {"conch_v1"}))
def test_the_networks_themselves_are_counted(name, vision_libraries):
    """Built without storage, counted by torch; conch_v1 is built by a package of its authors."""
    import torch
    from molpath.features import conch, efficientnet_lite, timm_encoders
    from torch.utils.flop_counter import FlopCounterMode

    makers = {"conch_v15": conch.ConchV15, "ctranspath": timm_encoders.ctranspath}
    makers |= {"resnet50": timm_encoders.ThirdStage, "efficientnet_lite0": efficientnet_lite.EfficientNetLite0}
    with torch.device("meta"):
        network = makers[name]() if name in makers else timm_encoders.vision_transformer(name)
    size = TABLE[name].pixels
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.empty(1, 3, size, size, device="meta"))
    assert TABLE[name].counted == pytest.approx(counter.get_total_flops(), rel=0.006)


def test_other_sizes_of_patches():
    """Tokens grow with the area, attention with its square."""
    uni = TABLE["uni_v1"]
    assert uni.flops(448) / uni.flops(224) == pytest.approx(535 / 123, rel=0.01)
    assert TABLE["resnet50"].flops(448) == 4 * TABLE["resnet50"].flops(224)
