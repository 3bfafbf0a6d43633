"""Damaged or foreign files of scGPT: each refusal names the file, and what in it."""

import json

import pytest
import torch
from molpath.pretrain.molecular_encoders import RnaEncoder, load_scgpt, read_vocabulary

WORDS = ["A", "<pad>", "<cls>", "<eoc>"]


@pytest.fixture
def weights(tmp_path):
    """An encoder and a folder whose weights fit it."""
    encoder = RnaEncoder(4, 8, 1, 2, 8, 0.0, 4)
    (tmp_path / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(WORDS)}))
    (tmp_path / "args.json").write_text(json.dumps({"nheads": 2, "nlayers": 1, "embsize": 8}))
    torch.save(encoder.state_dict(), tmp_path / "best_model.pt")
    load_scgpt(encoder, str(tmp_path))
    return encoder, tmp_path


@pytest.mark.parametrize("damage", ["garbage", "empty", "module", "list"])
def test_weights_that_are_no_table_of_tensors(weights, damage):
    encoder, folder = weights
    path = folder / "best_model.pt"
    if damage in ("module", "list"):
        torch.save(torch.nn.Linear(2, 2) if damage == "module" else [torch.zeros(1)], path)
    else:
        path.write_bytes(b"x" * 100 * (damage == "garbage"))
    with pytest.raises(ValueError, match=r"best_model\.pt is damaged, or is not a table of tensors") as refused:
        load_scgpt(encoder, str(folder))
    assert "weights_only" not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None


def test_weights_below_another_name_or_that_are_no_numbers(weights):
    encoder, folder = weights
    torch.save({"model_state_dict": encoder.state_dict()}, folder / "best_model.pt")
    with pytest.raises(ValueError, match=r"best_model\.pt has no fitting tensor for encoder\.embedding\.weight"):
        load_scgpt(encoder, str(folder))
    state = encoder.state_dict()
    state["value_encoder.linear1.bias"] = state["value_encoder.linear1.bias"] * float("nan")
    torch.save(state, folder / "best_model.pt")
    with pytest.raises(ValueError, match=r"not finite in value_encoder\.linear1\.bias \(1 in all\)"):
        load_scgpt(encoder, str(folder))


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("args.json", "", r"args\.json is not JSON"),
        ("args.json", "[]", r"args\.json holds no JSON object, but a list"),
        ("vocab.json", '{"A": 0', r"vocab\.json is not JSON"),
        ("vocab.json", '["A"]', r"vocab\.json holds no JSON object, but a list"),
        ("vocab.json", '{"A": "0", "<pad>": 1}', r"vocab\.json, key A: '0' is not a whole number"),
    ],
)
def test_a_damaged_table_of_scgpt(weights, name, text, says):
    encoder, folder = weights
    (folder / name).write_text(text)
    with pytest.raises(ValueError, match=says):
        read_vocabulary(str(folder)) if name == "vocab.json" else load_scgpt(encoder, str(folder))
