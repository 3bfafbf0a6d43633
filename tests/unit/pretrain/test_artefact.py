"""What a run leaves can be loaded in three lines, exported in the hub's layout, and presets are valid runs."""

import json
import re
import struct

import pytest
import torch
import yaml
from jsonschema import Draft202012Validator
from molpath.common.digests import digest_of
from molpath.common.files import read_tsv
from molpath.pretrain import artefacts
from molpath.pretrain.network import DamagedWeights, load

from .cohort import train, write_cohort


def test_three_lines_of_the_model_card_load_it(tmp_path):
    write_cohort(tmp_path)
    card = train(tmp_path)["model_card.md"].decode()
    code = re.search(r"```python\n(.*?)```", card, re.S)[1].replace("results/pretrain/runs/toy", str(tmp_path / "out"))
    assert len(code.strip().splitlines()) == 3
    names = {"patches": torch.randn(5, 6)}
    exec(code, names)
    assert names["embedding"].shape == (1, 8)
    for word in ("RankMe by epoch", "12 cases, 12 slides", "learning_rate", "torch ", "model.safetensors: SHA-256"):
        assert word in card


def test_a_run_in_the_hubs_layout_is_the_same_model(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    train(tmp_path)
    target = tmp_path / "user" / "model"
    artefacts.export(str(tmp_path / "out"), str(target))
    assert sorted(path.name for path in target.iterdir()) == [
        "README.md",
        "config.json",
        "history.tsv",
        "model.safetensors",
    ]
    assert (target / "README.md").read_text().startswith("---\nlibrary_name: molpath\n")
    with pytest.raises(FileExistsError, match="is not empty"):
        artefacts.export(str(tmp_path / "out"), str(target))
    monkeypatch.setattr("molpath.pretrain.network.fetched", lambda name, revision: str(tmp_path / name))
    patches = torch.randn(4, 6)
    expected = load(str(tmp_path / "out"))[0].slide(patches)
    assert torch.equal(load("user/model")[0].slide(patches), expected)


def test_other_weights_than_the_configs_are_refused(tmp_path, caplog):
    """config.json holds digests of the weights and of the cases, so that another study can check both."""
    write_cohort(tmp_path)
    train(tmp_path)
    config, weights = tmp_path / "out/config.json", tmp_path / "out/model.safetensors"
    assert json.loads(config.read_text())["cases"] == sorted(digest_of(f"C{case}") for case in range(12))
    load(str(tmp_path / "out"))
    assert not caplog.text
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(bytes(content))
    with pytest.raises(DamagedWeights, match=r"out/model.safetensors is not the file whose SHA-256 stands in config"):
        load(str(tmp_path / "out"))
    config.write_text(json.dumps({**json.loads(config.read_text()), "digests": {}}))
    load(str(tmp_path / "out"))
    assert "holds no SHA-256 of its weights" in caplog.text


def test_presets_are_runs_of_the_schema(repository):
    schema = yaml.safe_load((repository / "workflow/schemas/config.schema.yaml").read_text())
    validator = Draft202012Validator(schema)
    presets = sorted((repository / "config/presets").glob("*.yaml"))
    assert {path.stem for path in presets} == {"paper", "tcga-gtex", "single-gpu", "cpu"}
    for path in presets:
        config = yaml.safe_load(path.read_text())
        errors = [error.message for error in validator.iter_errors({"pretrain": config["pretrain"]})]
        assert not [error for error in errors if "required" not in error], path
        assert set(config["pretrain"]["use"]) <= set(config["pretrain"]["runs"])
        assert str(path.name) in (repository / "config/presets/README.md").read_text()
    paper = yaml.safe_load((repository / "config/presets/paper.yaml").read_text())["pretrain"]["runs"]["paper"]
    assert paper["training"]["batch_size"] == 1200


def test_tensorboard_shows_what_the_history_says(tmp_path):
    """The event file is read record by record: a length of 8 bytes, its checksum of 4, the event, a checksum of 4."""
    from tensorboardX.proto.event_pb2 import Event

    write_cohort(tmp_path)
    train(tmp_path, events=str(tmp_path / "events"))
    (path,) = (tmp_path / "events").iterdir()
    data, shown = path.read_bytes(), {}
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        event = Event.FromString(data[12 : 12 + length])
        shown |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
        data = data[16 + length :]
    history = read_tsv(tmp_path / "out" / "history.tsv").astype(float)
    for name in ("rna_loss", "rna_top1", "rankme", "learning_rate"):
        for _, row in history.iterrows():
            assert shown[name, int(row.epoch)] == pytest.approx(row[name], rel=1e-5), (name, row.epoch)
    assert ("slides_per_second", 1) in shown
