"""What trains a run again, and what doesn't, in training steps."""

import json
import subprocess

import pandas as pd
import pytest
import torch
from molpath.pretrain.training import Trainer

from .cohort import RUN, train, write_cohort
from .test_modules import scgpt_tensors, write_scgpt


@pytest.fixture
def steps(monkeypatch):
    """Epochs of the training steps so far."""
    epochs, step = [], Trainer._train_step

    def counted(self, batch):
        epochs.append(self.epoch)
        step(self, batch)

    monkeypatch.setattr(Trainer, "_train_step", counted)
    return epochs


def rewrite(path, change):
    """A table of text, changed."""
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    change(table).to_csv(path, sep="\t", index=False)


def append_other_cohort(folder):
    """A case of cohort B: a slide in the same shard, a pair, and no profile of the run's cohorts."""

    def other(table):
        own = {"slide_id": "other", "case_id": "other", "cohort": "B", "profile_id": "other", "count": "0"}
        first = table.head(1)
        return pd.concat([table, first.assign(**{key: own[key] for key in own if key in first})])

    rewrite(folder / "pairs.tsv", other)
    rewrite(folder / "index.tsv", other)


def remove_case(folder):
    rewrite(folder / "pairs.tsv", lambda table: table[table.case_id != "C3"])


def other_patches(folder):
    rewrite(folder / "index.tsv", lambda table: table.assign(crc32=["12345678", *table.crc32[1:]]))


def test_rows_of_another_cohort_train_nothing(tmp_path, steps):
    write_cohort(tmp_path)
    first = train(tmp_path)
    trained = len(steps)
    assert trained == 4 * 2
    append_other_cohort(tmp_path)
    assert train(tmp_path) == first
    assert len(steps) == trained


def test_without_a_training_case_the_run_is_trained_again(tmp_path, steps):
    write_cohort(tmp_path)
    first = train(tmp_path)
    trained = len(steps)
    remove_case(tmp_path)
    second = train(tmp_path)
    assert len(steps) == 2 * trained
    assert second["model.safetensors"] != first["model.safetensors"]
    assert len(json.loads(second["config.json"])["cases"]) == 11


def test_a_moved_results_folder_trains_nothing(tmp_path, steps):
    """With the packed store, pairs, tables and .finished in it."""
    before = tmp_path / "before"
    before.mkdir()
    write_cohort(before)
    first = train(before)
    trained = len(steps)
    before.rename(tmp_path / "after")
    assert train(tmp_path / "after") == first
    assert len(steps) == trained


def test_other_names_train_nothing_and_are_reported(tmp_path, steps):
    """Run, grid and encoder are called otherwise, patches are described otherwise, the state is saved less often."""
    write_cohort(tmp_path)
    first = train(tmp_path, RUN | {"patches": {"grid": "20x", "decode": "exact"}})
    trained = len(steps)
    training = RUN["training"] | {"save_every": 7}
    names = {"name": "renamed", "grid": "h", "encoder": "f", "patches": {"grid": "20x", "decode": "half"}}
    second = train(tmp_path, RUN | names | {"training": training})
    assert len(steps) == trained
    for name in ("model.safetensors", "last.safetensors", "history.tsv"):
        assert second[name] == first[name]
    config = json.loads(second["config.json"])
    assert config["run"]["name"] == "renamed"
    assert config["run"]["patches"] == {"grid": "20x", "decode": "half", "weights": ""}
    assert (config["grid"], config["encoder"]) == ("h", "f")
    assert "# renamed" in second["model_card.md"].decode()
    assert train(tmp_path, RUN | {"patches": {"grid": "20x", "decode": "exact"}}) == first


def test_settings_that_decide_something_train(tmp_path, steps):
    write_cohort(tmp_path)
    train(tmp_path)
    trained = len(steps)
    train(tmp_path, RUN | {"training": RUN["training"] | {"temperature": 0.2}})
    assert len(steps) == 2 * trained
    train(tmp_path, code="d")
    assert len(steps) == 3 * trained


def test_a_branch_that_is_not_trained_decides_nothing(tmp_path, steps):
    write_cohort(tmp_path)
    run = RUN | {"modalities": ["rna"]}
    train(tmp_path, run, dna=[])
    trained = len(steps)
    train(tmp_path, run | {"dna_encoder": RUN["dna_encoder"] | {"layers": 5}}, dna=[])
    assert len(steps) == trained


def test_a_corrected_licence_rewrites_the_card_and_trains_nothing(tmp_path, steps):
    write_cohort(tmp_path)
    first = train(tmp_path, patch_encoder={"licence": "MIT"})
    trained = len(steps)
    second = train(tmp_path, patch_encoder={"licence": "CC-BY-NC-ND-4.0", "hub": "user/model"})
    assert len(steps) == trained
    card = second["model_card.md"].decode()
    assert "is under CC-BY-NC-ND-4.0" in card
    assert 'base_model: "user/model"' in card
    assert "MIT" not in card
    assert {name for name in first if first[name] != second[name]} == {"model_card.md", "sha256.txt"}
    check = subprocess.run(["sha256sum", "-c", "sha256.txt"], cwd=tmp_path / "out", capture_output=True, text=True)
    assert check.returncode == 0, check.stdout
    assert train(tmp_path, patch_encoder={"licence": "MIT"}) == first


def test_the_card_says_what_digests_of_cases_reveal(tmp_path):
    write_cohort(tmp_path)
    assert "whoever knows an id can see whether its case was trained on" in train(tmp_path)["model_card.md"].decode()


def test_config_says_which_weights_encoded_the_patches(tmp_path, steps):
    """Of the run's own slides, as the packed store has it from the features' manifest."""
    write_cohort(tmp_path)
    train(tmp_path)
    trained = len(steps)
    append_other_cohort(tmp_path)
    rewrite(tmp_path / "index.tsv", lambda table: table.assign(weights=["ab12"] * (len(table) - 1) + ["cd34"]))
    config = json.loads(train(tmp_path)["config.json"])
    assert config["run"]["patches"] == {"weights": "ab12"}
    assert len(steps) == trained


def test_other_patches_of_a_slide_are_other_contents(tmp_path):
    """The stamp asks for training, which refuses a store that its index doesn't describe."""
    write_cohort(tmp_path)
    train(tmp_path)
    other_patches(tmp_path)
    with pytest.raises(Exception, match="differ from their checksum"):
        train(tmp_path)


def test_other_scgpt_weights_in_the_same_folder_train_and_a_moved_folder_does_not(tmp_path, steps):
    write_cohort(tmp_path)
    folder = tmp_path / "scgpt"
    folder.mkdir()
    state = scgpt_tensors(12, width=16, layers=2, feedforward=16)
    write_scgpt(folder, state, 12, heads=2, layers=2, width=16)
    sizes = {"kind": "scgpt", "width": 16, "layers": 2, "heads": 2, "feedforward": 16, "checkpoint": str(folder)}
    run = RUN | {"rna_encoder": RUN["rna_encoder"] | sizes}
    first = train(tmp_path, run)
    trained = len(steps)
    moved = folder.rename(tmp_path / "moved")
    run["rna_encoder"] |= {"checkpoint": str(moved)}
    second = train(tmp_path, run)
    assert len(steps) == trained
    assert second["model.safetensors"] == first["model.safetensors"]
    assert json.loads(second["config.json"])["rna_encoder"]["checkpoint"] == str(moved)
    torch.save(state | {"encoder.embedding.weight": state["encoder.embedding.weight"] + 1}, moved / "best_model.pt")
    assert train(tmp_path, run)["model.safetensors"] != first["model.safetensors"]
    assert len(steps) == 2 * trained
