"""The table of encoders, preprocessing against PIL, and rows that don't depend on their neighbours."""

import numpy as np
import pytest
import torch
from molpath.features.encoders import build
from molpath.features.registry import ADAPTERS, describe
from PIL import Image

LITE = {"name": "lite", "adapter": "efficientnet_lite0"}


def some_patches(count, size=256):
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(c).resize((size, size), Image.Resampling.BICUBIC)) for c in coarse])


def test_preprocessing_is_pils_resize_and_half_normalisation(random_weights):
    patches = some_patches(3)
    prepared = build([random_weights], LITE).prepare(torch.from_numpy(patches))
    resized = [np.asarray(Image.fromarray(p).resize((224, 224), Image.Resampling.BICUBIC)) for p in patches]
    expected = (np.stack(resized).astype(np.float32) / 255 - 0.5) / 0.5
    assert prepared.shape == (3, 3, 224, 224)
    levels = np.abs(prepared.permute(0, 2, 3, 1).numpy() - expected) * 255 / 2
    # torch and PIL round fixed-point weights of another length, in two passes each
    assert levels.max() < 2.01
    assert (levels > 0.5).mean() < 0.01


def test_rows_do_not_depend_on_their_neighbours_or_place(random_weights):
    encoder = build([random_weights], LITE)
    patches = torch.from_numpy(some_patches(4))
    together = encoder(patches)
    assert torch.equal(encoder(patches.flip(0).contiguous()).flip(0), together)
    mixed = patches.clone()
    mixed[1:] = 0
    assert torch.equal(encoder(mixed)[0], together[0])


def test_bf16_stays_close(random_weights):
    patches = torch.from_numpy(some_patches(4))
    exact = build([random_weights], LITE)(patches)
    rough = build([random_weights], LITE | {"precision": "bf16"})(patches)
    assert rough.dtype == torch.float32
    assert torch.nn.functional.cosine_similarity(exact, rough).min() > 0.999


def test_mean_colour_is_the_mean():
    patches = some_patches(5, 40)
    features = build([], {"adapter": "mean_colour"})(torch.from_numpy(patches)).numpy()
    np.testing.assert_allclose(features, patches.mean((1, 2)) / 255, rtol=1e-6)


def test_digest_of_an_encoder_follows_weights_and_normalisation(tmp_path, random_weights):
    other = tmp_path / "other.safetensors"
    other.write_bytes(b"other")
    descriptions = [
        describe(LITE, [random_weights]),
        describe(LITE, [str(other)]),
        describe(LITE | {"mean": [0.485, 0.456, 0.406]}, [random_weights]),
    ]
    assert descriptions[0] == describe(LITE | {"batch_size": 7, "workers": 3, "name": "x"}, [random_weights])
    assert all(descriptions[i] != descriptions[j] for i in range(3) for j in range(i))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"adapter": "conch"}, "unknown encoder adapter 'conch'; one of conch_v15, conch_v1"),
        ({"adapter": "efficientnet_lite0"}, "needs a file of weights"),
        ({"adapter": "no_such_module:build"}, "can't be imported"),
        ({"adapter": "efficientnet_lite0", "precision": "int8"}, "precision 'int8' is none of fp32"),
    ],
)
def test_bad_encoders_are_named(config, message):
    with pytest.raises(ValueError, match=message):
        build([], config)


def test_the_documented_table_is_the_tables(repository):
    text = (repository / "workflow/docs/encoders.md").read_text().partition("## Slide encoders of others")[0]
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    expected = []
    for name, facts in ADAPTERS.items():
        if not facts.needs_weights:
            continue
        tile = f"{facts.tile['patch_size']} px, {facts.tile['magnification']}x" if facts.tile else "any"
        source = f"[{facts.hub}]({facts.page})" if facts.hub else f"package {facts.package}"
        pooled = {"cls": "class", "cls_mean": "class, mean"}.get(facts.tokens, facts.tokens)
        cells = [f"`{name}`", facts.network, str(facts.dim), pooled, tile, f"{facts.input_size} px", facts.precision]
        cells += [f"{facts.parameters:g} M", source, "yes" if facts.gated else "no", facts.licence]
        expected.append("| " + " | ".join(cells) + " |")
    assert rows == expected
