"""Stain normalisation: patches come closer to their target, blank ones stay, and nothing happens unless asked for."""

import cv2
import numpy as np
import pytest
import torch
import torchstain  # noqa: F401 (what normalises)
from molpath.features.encoders import MeanColour, build
from molpath.features.registry import describe
from molpath.features.stains import StainNormalised
from PIL import Image

HAEMATOXYLIN, EOSIN = np.array([0.65, 0.70, 0.29]), np.array([0.07, 0.99, 0.11])


def stained(seed, haematoxylin=HAEMATOXYLIN, strength=(1.0, 1.0), size=64):
    """A synthetic patch: amounts of two stains by Beer and Lambert."""
    rng = np.random.default_rng(seed)
    coarse = rng.gamma(2.0, 0.3, (8, 8, 2)).astype(np.float32)
    amounts = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC).clip(0) * strength
    density = amounts @ np.stack([haematoxylin / np.linalg.norm(haematoxylin), EOSIN / np.linalg.norm(EOSIN)])
    return (240 * np.exp(-density)).clip(0, 255).astype(np.uint8)


@pytest.fixture
def target(tmp_path):
    path = tmp_path / "target.png"
    Image.fromarray(stained(1, size=128)).save(path)
    return str(path)


@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_the_same_tissue_in_another_staining_comes_close_to_the_target(method, target):
    other = stained(1, haematoxylin=np.array([0.55, 0.55, 0.6]), strength=(0.6, 1.5), size=128)
    encoder = StainNormalised(MeanColour(), {"method": method, "target": target})
    reference = np.asarray(Image.open(target)).astype(float)
    before = np.abs(other - reference).mean()
    after = np.abs(encoder.normalised(torch.from_numpy(other)).numpy() - reference).mean()
    assert before > 15
    assert after < 0.6 * before


def test_reinhard_has_the_targets_means_in_lab(target):
    encoder = StainNormalised(MeanColour(), {"method": "reinhard", "target": target})
    normalised = encoder.normalised(torch.from_numpy(stained(3, strength=(0.8, 0.8)))).numpy()
    means = [
        cv2.cvtColor(image, cv2.COLOR_RGB2LAB).reshape(-1, 3).mean(0)
        for image in (normalised, cv2.imread(target)[..., ::-1])
    ]
    np.testing.assert_allclose(means[0], means[1], atol=4)


@pytest.mark.parametrize("patch", [np.full((32, 32, 3), 240, np.uint8), np.full((32, 32, 3), 90, np.uint8)])
@pytest.mark.parametrize("method", ["macenko", "reinhard"])
def test_patches_without_two_colours_stay_as_they_are(patch, method, target):
    encoder = StainNormalised(MeanColour(), {"method": method, "target": target})
    assert torch.equal(encoder.normalised(torch.from_numpy(patch)), torch.from_numpy(patch))


def test_the_encoder_sees_normalised_patches(target):
    batch = torch.from_numpy(np.stack([stained(4), stained(5)]))
    settings = {"method": "macenko", "target": target}
    encoder = build([], {"adapter": "mean_colour", "stain": settings}).to(torch.device("cpu"))
    expected = MeanColour()(torch.stack([encoder.normalised(patch) for patch in batch]))
    assert torch.equal(encoder(batch), expected)
    plain = build([], {"adapter": "mean_colour", "stain": {"method": "", "target": ""}})
    assert torch.equal(plain(batch), MeanColour()(batch))
    assert (plain(batch) - expected).abs().max() > 0.01


def test_reinhard_without_a_target_is_refused():
    with pytest.raises(ValueError, match="needs a target image"):
        build([], {"adapter": "mean_colour", "stain": {"method": "reinhard"}})


def test_method_and_contents_of_the_target_are_part_of_the_digest(target):
    plain = {"adapter": "mean_colour", "stain": {"method": "", "target": ""}, "crops": 1}
    stained_encoder = plain | {"stain": {"method": "macenko", "target": target}}
    assert describe(plain, []) == describe({"adapter": "mean_colour"}, [])
    assert (
        len(
            {
                str(about)
                for about in (describe(plain, []), describe(stained_encoder, []), describe(stained_encoder, [target]))
            }
        )
        == 3
    )
