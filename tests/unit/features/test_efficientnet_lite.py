"""Our EfficientNet-Lite0 against the published package."""

import efficientnet_lite_pytorch
import pytest
import torch
from molpath.features import efficientnet_lite
from molpath.features.weights import load_weights


def test_parameter_counts():
    network = efficientnet_lite.EfficientNetLite0()
    assert sum(p.numel() for p in network.parameters()) == 4_652_008
    assert sum(p.numel() for p in network._fc.parameters()) == 1_281_000
    assert len(network.state_dict()) == 296


@pytest.mark.parametrize("folded", [False, True])
def test_same_output_as_the_published_package(random_weights, folded):
    state = load_weights(random_weights)
    published = efficientnet_lite_pytorch.EfficientNet.from_name("efficientnet-lite0").eval()
    published.load_state_dict(state)
    network = efficientnet_lite.load(state)
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        expected = published.extract_features(images).mean((2, 3))
        features = (efficientnet_lite.folded(network) if folded else network)(images)
    assert features.shape == (2, 1280)
    assert expected.abs().max() > 0.01
    assert (features - expected).abs().max() < 1e-5


def test_timm_gives_the_same_bits(random_weights, vision_libraries):
    """timm names its tensors otherwise and has them in the same order."""
    import timm

    state = load_weights(random_weights)
    peer = timm.create_model("tf_efficientnet_lite0", num_classes=1000).eval()
    names = zip(peer.state_dict(), efficientnet_lite.EfficientNetLite0().state_dict(), strict=True)
    peer.load_state_dict({name: state[published] for name, published in names})
    images = torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.inference_mode():
        expected = peer.forward_head(peer.forward_features(images), pre_logits=True)
        assert torch.equal(efficientnet_lite.load(state)(images), expected)


def test_a_wrong_file_is_refused(random_weights):
    state = load_weights(random_weights)
    state.pop("_conv_head.weight")
    with pytest.raises(RuntimeError, match="_conv_head"):
        efficientnet_lite.load(state)
