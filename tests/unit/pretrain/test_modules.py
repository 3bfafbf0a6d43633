"""The paper's modules: parameter counts, masks, losses and RankMe against independent computations."""

import json

import numpy as np
import pytest
import torch
from molpath.pretrain.layers import drop, drop_mask
from molpath.pretrain.molecular_encoders import DnaEncoder, RnaEncoder, load_scgpt, read_vocabulary, standardise
from molpath.pretrain.network import SlideEncoder, SlideTransformer
from molpath.pretrain.steps import contrastive_loss, learning_rate_factor, rankme


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("heads", "parameters"), [(1, 4_993_025), (2, 11_290_626), (4, 19_687_428), (6, 28_084_230)])
def test_slide_encoder_has_the_papers_parameters(heads, parameters):
    with torch.device("meta"):
        assert count(SlideEncoder(768, heads=heads)) == parameters


def test_the_transformer_has_16_million():
    with torch.device("meta"):
        assert count(SlideTransformer(768)) == 16_148_224


def test_molecular_branches_have_the_papers_parameters():
    with torch.device("meta"):
        assert count(DnaEncoder(1673)) == 10_128_068
        rna = RnaEncoder(60_697)
    # scGPT without its decoders: 31.08 M of gene embedding, 1.578 M a block
    assert count(rna) - count(rna.projection) == 50_278_400
    assert {
        "encoder.embedding.weight",
        "encoder.enc_norm.bias",
        "value_encoder.linear1.weight",
        "value_encoder.norm.bias",
        "transformer_encoder.layers.11.self_attn.in_proj_weight",
    } <= set(rna.state_dict())


@pytest.mark.parametrize("kind", [SlideEncoder, SlideTransformer])
def test_bags_know_nothing_of_each_other_and_order_is_nothing(kind):
    torch.manual_seed(0)
    encoder = kind(16, hidden=12, heads=2, output=4).eval()
    bags = [torch.randn(count, 16) for count in (10, 1, 37, 10)]
    together = encoder(torch.cat(bags), [len(bag) for bag in bags])
    for bag, encoded in zip(bags, together, strict=True):
        torch.testing.assert_close(encoder(bag)[0], encoded, atol=1e-6, rtol=0)
    torch.testing.assert_close(encoder(bags[2][torch.randperm(37)])[0], together[2], atol=1e-6, rtol=0)
    with pytest.raises(ValueError, match="none may be empty"):
        SlideEncoder(16, hidden=8, output=4)(torch.zeros(3, 16), [3, 0])


def test_groups_of_bags_and_what_is_made_again_change_no_gradient(monkeypatch):
    torch.manual_seed(0)
    encoder = SlideEncoder(6, hidden=8, heads=2, output=4, dropout=0, attention_dropout=0).double()
    patches, lengths = torch.randn(40, 6).double(), [5, 5, 20, 3, 7]

    def gradients():
        encoder.zero_grad()
        encoder(patches, lengths).square().sum().backward()
        return [parameter.grad.clone() for parameter in encoder.parameters()]

    whole = gradients()
    monkeypatch.setattr("molpath.pretrain.network.CPU_ROWS", 10)
    grouped = gradients()
    monkeypatch.setattr("molpath.pretrain.layers.recomputed", lambda function, *inputs: function(*inputs))
    for a, b, c in zip(whole, grouped, gradients(), strict=True):
        torch.testing.assert_close(a, b)
        torch.testing.assert_close(a, c)


def test_dropout_by_a_mask_is_torchs():
    x = torch.randn(50, 30)
    torch.manual_seed(3)
    expected = torch.nn.Dropout(0.25)(x)
    torch.manual_seed(3)
    assert torch.equal(drop(x, drop_mask(x, torch.nn.Dropout(0.25)), 0.25), expected)


def test_attention_is_the_gated_formula():
    torch.manual_seed(1)
    encoder = SlideEncoder(5, hidden=6, layers=1, heads=1, output=6).eval()
    patches = torch.randn(7, 5)
    with torch.no_grad():
        hidden = encoder.before(patches).double().numpy()
        (linear_a, *_), (linear_b, *_) = encoder.attention[0].tanh_branch, encoder.attention[0].gate_branch
        weights = {n: p.detach().double().numpy() for n, p in encoder.attention[0].score.named_parameters()}
        a = np.tanh(hidden @ linear_a.weight.double().numpy().T + linear_a.bias.double().numpy())
        b = 1 / (1 + np.exp(-(hidden @ linear_b.weight.double().numpy().T + linear_b.bias.double().numpy())))
        score = ((a * b) @ weights["weight"].T + weights["bias"])[:, 0]
        share = np.exp(score - score.max())
        expected = (share / share.sum()) @ hidden
        np.testing.assert_allclose(encoder(patches)[0].numpy(), expected, atol=1e-6)


def test_rna_padding_changes_nothing_and_values_matter():
    torch.manual_seed(0)
    encoder = RnaEncoder(20, width=16, layers=2, heads=2, feedforward=16, output=8).eval()
    tokens, values = torch.tensor([[1, 5, 6, 7]]), torch.tensor([[-2.0, 1.0, 2.0, 3.0]])
    alone = encoder(tokens, values)
    longer = encoder(torch.tensor([[1, 5, 6, 7, 0, 0]]), torch.tensor([[-2.0, 1, 2, 3, 9, 9]]))
    torch.testing.assert_close(longer, alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(encoder(tokens, values * 2), alone)


def scgpt_tensors(words, width=512, layers=12, feedforward=512, attention="self_attn"):
    """A checkpoint with the names and shapes of the public ones, written down from their logs; generated values."""
    shapes = {"encoder.embedding.weight": (words, width), "value_encoder.linear1.weight": (width, 1)}
    shapes |= {"value_encoder.linear2.weight": (width, width), "mvc_decoder.W.weight": (width, width)}
    for name in ("encoder.enc_norm", "value_encoder.norm"):
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    shapes |= {f"value_encoder.linear{i}.bias": (width,) for i in (1, 2)}
    for layer in range(layers):
        block = f"transformer_encoder.layers.{layer}"
        matrices = {f"{attention}.Wqkv": (3 * width, width), f"{attention}.out_proj": (width, width)}
        matrices |= {"linear1": (feedforward, width), "linear2": (width, feedforward)}
        for name, shape in matrices.items():
            shapes |= {f"{block}.{name}.weight": shape, f"{block}.{name}.bias": shape[:1]}
        for name in ("norm1", "norm2"):
            shapes |= {f"{block}.{name}.weight": (width,), f"{block}.{name}.bias": (width,)}
    for name, shape in {
        "decoder.fc.0": (width, width),
        "decoder.fc.2": (width, width),
        "decoder.fc.4": (1, width),
    }.items():
        shapes |= {f"{name}.weight": shape, f"{name}.bias": shape[:1]}
    return {
        name: torch.arange(np.prod(shape), dtype=torch.float32).remainder(97).sub(48).div(500).view(shape)
        for name, shape in shapes.items()
    }


def write_scgpt(folder, state, words, heads=8, layers=12, width=512):
    """An scGPT folder; as in the public ones <pad> is no early word."""
    torch.save(state, folder / "best_model.pt")
    ids = {f"G{i}": i for i in range(words - 3)} | {"<pad>": words - 3, "<cls>": words - 2, "<eoc>": words - 1}
    (folder / "vocab.json").write_text(json.dumps(ids))
    sizes = {
        "embsize": width,
        "nheads": heads,
        "d_hid": width,
        "nlayers": layers,
        "pad_token": "<pad>",
        "pad_value": -2,
    }
    (folder / "args.json").write_text(json.dumps(sizes))


@pytest.mark.parametrize("attention", ["self_attn", "self_attn._impl"])
def test_scgpt_of_full_size_loads_whole(tmp_path, attention):
    state = scgpt_tensors(60_697, attention=attention)
    write_scgpt(tmp_path, state, 60_697)
    encoder = RnaEncoder(60_697)
    report = load_scgpt(encoder, str(tmp_path))
    assert len(report["loaded"]) == 153
    assert report["unused"] == [
        "mvc_decoder.W.weight",
        *(f"decoder.fc.{i}.{p}" for i in (0, 2, 4) for p in ("weight", "bias")),
    ]
    assert {name.split(".")[0] for name in report["new"]} == {"projection"}
    fused = state[f"transformer_encoder.layers.11.{attention}.Wqkv.weight"]
    assert torch.equal(encoder.transformer_encoder.layers[11].self_attn.in_proj_weight, fused)
    words = read_vocabulary(str(tmp_path))
    assert (words[0], words[1], len(words)) == ("<pad>", "G0", 60_697)
    rows = state["encoder.embedding.weight"]
    for word, row in (("<pad>", 60_694), ("G0", 0), ("G60693", 60_693), ("<cls>", 60_695)):
        assert torch.equal(encoder.encoder.embedding.weight[words.index(word)], rows[row])
    tokens = torch.tensor([[words.index("<cls>"), 5, 6]])
    assert torch.isfinite(encoder.eval()(tokens, torch.tensor([[-2.0, 1.0, 2.0]]))).all()


def test_scgpt_that_does_not_fit_is_refused(tmp_path):
    state = scgpt_tensors(12, width=16, layers=2, feedforward=16)
    encoder = RnaEncoder(12, width=16, layers=2, heads=2, feedforward=16, output=8)
    write_scgpt(tmp_path, state, 12, heads=4, layers=2, width=16)
    with pytest.raises(ValueError, match="says nheads 4, the run's rna_encoder 2"):
        load_scgpt(encoder, str(tmp_path))
    state.pop("value_encoder.linear1.bias")
    write_scgpt(tmp_path, state, 12, heads=2, layers=2, width=16)
    with pytest.raises(ValueError, match="no fitting tensor for value_encoder.linear1.bias"):
        load_scgpt(encoder, str(tmp_path))


def test_loss_is_symmetric_infonce():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(5, 4)), rng.normal(size=(5, 4))
    normal = lambda x: x / np.linalg.norm(x, axis=1, keepdims=True)  # noqa: E731
    logits = normal(a) @ normal(b).T / 0.1
    rows = -np.mean(np.diag(logits) - np.log(np.exp(logits).sum(1)))
    columns = -np.mean(np.diag(logits) - np.log(np.exp(logits).sum(0)))
    loss = contrastive_loss(torch.tensor(a), torch.tensor(b), torch.arange(5), 0.1)
    assert float(loss) == pytest.approx((rows + columns) / 2, abs=1e-5)


def test_two_slides_of_a_case_are_no_negatives():
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    apart = contrastive_loss(a, b, torch.tensor([0, 1, 2]), 0.1)
    together = contrastive_loss(a, b, torch.tensor([0, 0, 2]), 0.1)
    assert together < apart
    assert torch.isfinite(together)


@pytest.mark.parametrize("k", [1, 3, 8])
def test_rankme_of_k_equal_singular_values_is_k(k):
    matrix = torch.zeros(20, 8)
    matrix[:k, :k] = torch.eye(k) * 5
    assert rankme(matrix) == pytest.approx(k, rel=1e-4)


def test_rankme_of_unequal_singular_values():
    """3 and 1: shares of 3/4 and 1/4, exp(-(3/4 ln 3/4 + 1/4 ln 1/4)) = 4 / 3^(3/4)."""
    assert rankme(torch.diag(torch.tensor([3.0, 1.0]))) == pytest.approx(4 / 3**0.75, rel=1e-4)


def test_schedule_warms_up_and_ends_at_the_floor():
    factors = [learning_rate_factor(step, 10, 100, 0.01) for step in range(101)]
    assert factors[0] == pytest.approx(0.1)
    assert factors[9] == factors[10] == 1
    assert factors[100] == pytest.approx(0.01)
    assert all(a >= b for a, b in zip(factors[10:], factors[11:], strict=False))


def test_standardise_is_off_unless_the_run_has_means():
    values = np.array([[2.0, 5.0]], np.float32)
    assert standardise(values, {}, ["a", "b"]) is values
    section = {"mean": {"a": 1.0}, "deviation": {"a": 0.5}}
    np.testing.assert_array_equal(standardise(values, section, ["a", "b"]), [[2.0, np.nan]])
