"""What a run leaves can be loaded in three lines, exported in the hub's layout, and presets are valid runs."""

import json
import re
import struct
import subprocess

import pytest
import torch
import yaml
from jsonschema import Draft202012Validator
from molpath.common.digests import digest_of
from molpath.common.files import read_tsv
from molpath.pretrain import artefacts
from molpath.pretrain.artefacts import DamagedModel
from molpath.pretrain.model_card import front_matter as front_lines
from molpath.pretrain.model_card import licence_lines, part_of_slides
from molpath.pretrain.network import load

from .cohort import RUN, train, write_cohort

SHORT = RUN | {"training": RUN["training"] | {"epochs": 1, "warmup_epochs": 0}}


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
        "sha256.txt",
    ]
    assert (target / "README.md").read_text() == (tmp_path / "out" / "model_card.md").read_text()
    check = subprocess.run(["sha256sum", "-c", "sha256.txt"], cwd=target, capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    assert check.stdout.count("OK") == 3
    with pytest.raises(FileExistsError, match="is not empty"):
        artefacts.export(str(tmp_path / "out"), str(target))
    monkeypatch.setattr("molpath.pretrain.network.fetched", lambda name, revision: str(tmp_path / name))
    patches = torch.randn(4, 6)
    expected = load(str(tmp_path / "out"))[0].slide(patches)
    assert torch.equal(load("user/model")[0].slide(patches), expected)


def front_matter(card):
    """What the hub reads: YAML between the first two lines of dashes."""
    _, head, body = card.split("---\n", 2)
    return yaml.safe_load(head), body


def test_the_card_describes_the_model_to_the_hub(tmp_path):
    write_cohort(tmp_path)
    encoder = {"hub": "MahmoodLab/conchv1_5", "licence": "CC-BY-NC-ND-4.0"}
    head, body = front_matter(train(tmp_path, patch_encoder=encoder)["model_card.md"].decode())
    assert head["license"] == "other"
    assert not {"license_link", "datasets"} & set(head)  # no file or page of a licence, and no data set of the hub
    assert head["base_model"] == "MahmoodLab/conchv1_5"
    assert head["metrics"] == ["rankme"]
    assert head["library_name"] == "molpath"
    assert head["pipeline_tag"] == "feature-extraction"
    assert {"pathology", "whole-slide-image", "rna", "dna"} <= set(head["tags"])
    (result,) = head["model-index"][0]["results"]
    assert result["dataset"]["name"] == "A"
    history = read_tsv(tmp_path / "out" / "history.tsv")
    (kept,) = set(history.rankme.astype(float).round(2)) & {result["metrics"][0]["value"]}
    assert kept > 1
    for words in ("## Intended use", "not for diagnosis", "grid g", "## Licence", "CC-BY-NC-ND-4.0"):
        assert words in body
    (tmp_path / "other").mkdir()
    head, body = front_matter(train(tmp_path, out="other")["model_card.md"].decode())
    assert "base_model" not in head  # features of an encoder that nobody knows
    assert "patch encoder e: unknown here" in body


def test_only_a_whole_folder_of_a_run_is_exported(tmp_path):
    write_cohort(tmp_path, cases=4)
    train(tmp_path, SHORT)
    source, target = tmp_path / "out", tmp_path / "hub"
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileExistsError, match="file is a file; export to a new folder"):
        artefacts.export(str(source), str(tmp_path / "file"))
    card = (source / "model_card.md").read_text()
    (source / "model_card.md").write_text("another run's card")
    with pytest.raises(DamagedModel, match="model_card.md differs from its SHA-256"):
        artefacts.export(str(source), str(target))
    (source / "model_card.md").write_text(card)
    (source / "sha256.txt").unlink()  # nothing says whether these are the run's weights
    with pytest.raises(DamagedModel, match=r"out holds no sha256.txt: take the whole folder of a finished run"):
        artefacts.export(str(source), str(target))
    assert not target.exists()


def test_the_card_claims_no_more_than_is_known(tmp_path):
    write_cohort(tmp_path, cases=4)
    (tmp_path / "slides.tsv").write_text("slide_id\nS0\nS1\nS2\nS3\n")
    head, body = front_matter(
        train(tmp_path, SHORT | {"fraction": 0.75}, slides=str(tmp_path / "slides.tsv"))["model_card.md"].decode()
    )
    assert "; 75% of the slides\n" in body  # no organ is given
    assert "last.safetensors" not in body  # which an export doesn't hold
    assert head["model-index"][0]["results"][0]["dataset"] == {"name": "A", "type": "cohorts"}
    assert "scGPT" not in body
    (tmp_path / "slides.tsv").write_text("slide_id\torgan\nS0\tx\nS1\tx\nS2\ty\nS3\ty\n")
    card = train(tmp_path, SHORT | {"fraction": 0.75}, slides=str(tmp_path / "slides.tsv"))["model_card.md"].decode()
    assert "; 75% of the slides, evenly over organs\n" in card


@pytest.mark.parametrize(("fraction", "shown"), [(0.125, "12.5%"), (0.004, "0.4%"), (0.75, "75%")])
def test_the_card_gives_the_share_of_slides_as_the_config_does(fraction, shown):
    assert part_of_slides({"fraction": fraction}, {}) == f"; {shown} of the slides"


def test_the_card_names_the_weights_that_the_rna_branch_started_from():
    run = RUN | {"rna_encoder": RUN["rna_encoder"] | {"checkpoint": "scgpt"}}
    encoder = {"hub": "MahmoodLab/conchv1_5"}
    head = yaml.safe_load("\n".join(front_lines(run, {"epoch": 1, "rankme": 2.0}, encoder)[1:-1]))
    assert head["base_model"] == ["MahmoodLab/conchv1_5", "bowang-lab/scGPT"]
    assert "scGPT's weights (github.com/bowang-lab/scGPT, MIT licence)" in licence_lines(run, encoder)[-1]
    without = run | {"modalities": ["dna"]}
    assert "scGPT" not in "".join(
        front_lines(without, {"epoch": 1, "rankme": 2.0}, encoder) + licence_lines(without, encoder)
    )


def test_files_that_differ_from_their_digests_are_not_loaded(tmp_path):
    write_cohort(tmp_path)
    train(tmp_path)
    folder = tmp_path / "out"
    load(str(folder))
    assert json.loads((folder / "config.json").read_text())["cases"] == sorted(digest_of(f"C{i}") for i in range(12))
    lines = (folder / "sha256.txt").read_text().splitlines()
    names = ["config.json", "history.tsv", "last.safetensors", "model.safetensors", "model_card.md"]
    assert [line.split("  ")[1] for line in lines] == names
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"grid": "g"', '"grid": "h"'))
    with pytest.raises(DamagedModel, match=r"config.json differs from its SHA-256 in .*sha256.txt: copy the folder"):
        load(str(folder))
    (folder / "config.json").write_text(config)
    (folder / "sha256.txt").write_text("\n".join(line for line in lines if "  model.saf" not in line))
    with pytest.raises(DamagedModel, match=r"sha256.txt names no model.safetensors"):
        load(str(folder))
    (folder / "sha256.txt").unlink()  # of a folder from before, or one whose owner vouches for it
    load(str(folder))


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
