"""A training step: gradient caching, joint loss, learned temperature, sampling, and what stops a run."""

import copy
import os
import signal

import numpy as np
import pytest
import torch
from molpath.pretrain import runs, training
from molpath.pretrain.data import Example, Loader, sample_evenly, split_epoch
from molpath.pretrain.distributed import World
from molpath.pretrain.network import build
from molpath.pretrain.preparation import prepare
from molpath.pretrain.readers import Slot
from molpath.pretrain.steps import backward, contrastive_loss, embed, losses, retrieval_accuracy
from molpath.pretrain.store import DamagedStore, PatchStore
from molpath.pretrain.training import Diverged, Stopped, Trainer

from .cohort import RUN, train, write_cohort


def still(run):
    """The run without dropout."""
    run = copy.deepcopy(run)
    run["slide_encoder"] |= {"dropout": 0.0, "attention_dropout": 0.0}
    run["rna_encoder"] |= {"dropout": 0.0}
    run["dna_encoder"] |= {"dropout": 0.0}
    return run


def prepared(folder, run):
    """Network, a batch of the whole cohort, and settings."""
    store = PatchStore([folder / "patches.npy"], [folder / "index.tsv"])
    data, description, vocabulary = prepare(
        run, store, folder / "pairs.tsv", [folder / "rna.h5ad"], [folder / "dna.h5ad"]
    )
    loader = Loader(data, run["training"], vocabulary, ["rna", "dna"], World())
    return build(description, 0), loader.draw(data.examples, np.random.default_rng(0), Slot())


def gradients(network, batch, settings):
    network.zero_grad()
    terms, _ = backward(network, batch, World(), settings, 0.1)
    return {name: float(term.detach()) for name, term in terms.items()}, [
        parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None
    ]


@pytest.mark.parametrize("joint", [False, True])
def test_cached_gradients_are_those_of_the_whole_batch(tmp_path, joint):
    write_cohort(tmp_path)
    network, batch = prepared(tmp_path, still(RUN))
    settings = RUN["training"] | {"joint": joint}
    whole, expected = gradients(network, batch, settings)
    pieces, computed = gradients(network, batch, settings | {"micro_batch": 5})
    assert pieces == pytest.approx(whole, rel=1e-5)
    largest = max(float(gradient.abs().max()) for gradient in expected)
    for a, b in zip(expected, computed, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-5 * largest)


def test_cached_pieces_see_the_same_dropout_twice(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    network, batch = prepared(tmp_path, RUN)
    network.train()
    embedded = []

    def remember(*arguments):
        embedded.append(embed(*arguments))
        return embedded[-1]

    monkeypatch.setattr("molpath.pretrain.steps.embed", remember)
    backward(network, batch, World(), RUN["training"] | {"micro_batch": 6}, 0.1)
    assert len(embedded) == 4
    for name in ("slide", "rna", "dna"):
        assert torch.equal(embedded[0][name], embedded[2][name])
        assert not torch.equal(embedded[0][name], embedded[1][name])


def test_joint_loss_is_one_loss_over_both_kinds_of_profile(tmp_path):
    write_cohort(tmp_path, cases=6)
    network, batch = prepared(tmp_path, still(RUN))
    embeddings = embed(network.eval(), batch, World(), "fp32")
    terms, _ = losses(embeddings, batch, World(), 0.1, joint=True)
    cases = torch.arange(6).repeat(2)
    both = torch.cat([embeddings["rna"], embeddings["dna"]])
    expected = contrastive_loss(embeddings["slide"].repeat(2, 1), both, cases, 0.1)
    assert terms["joint"].item() == pytest.approx(expected.item())


def test_retrieval_accuracy_counts_the_own_profile():
    slides, profiles = torch.eye(6), torch.eye(6)
    profiles[[0, 1]] = profiles[[1, 0]]
    cases = torch.arange(6)
    assert retrieval_accuracy(slides, profiles, cases, 1) == pytest.approx(4 / 6)
    assert retrieval_accuracy(slides, profiles, cases, 2) == 1.0


def test_temperature_is_learned_on_request(tmp_path):
    write_cohort(tmp_path)
    train(tmp_path, RUN | {"training": RUN["training"] | {"learn_temperature": True}})
    lines = (tmp_path / "out/history.tsv").read_text().splitlines()
    column = lines[0].split("\t").index("temperature")
    assert float(lines[-1].split("\t")[column]) != 0.1


@pytest.mark.parametrize(
    ("slide", "rna"),
    [
        ({"kind": "transformer", "hidden": 16, "layers": 1}, {}),
        ({"heads": 1, "hidden": 8}, {"kind": "mlp", "layers": 2}),
    ],
)
def test_other_architectures_train_and_load(tmp_path, slide, rna):
    write_cohort(tmp_path)
    run = RUN | {"slide_encoder": RUN["slide_encoder"] | slide, "rna_encoder": RUN["rna_encoder"] | rna}
    train(tmp_path, run)
    from molpath.pretrain.network import load

    network, config = load(str(tmp_path / "out"))
    assert network.slide(torch.zeros(3, 6)).shape == (1, 8)
    assert config["slide_encoder"]["hidden"] == run["slide_encoder"]["hidden"]


def test_no_case_is_twice_in_a_batch():
    examples = [Example(f"S{i}", case) for i, case in enumerate([0, 0, 0, 1, 1, 2, 3, 4])]
    batches = split_epoch(examples, range(8), 3, one_slide_per_case=True)
    assert sorted(example.slide_id for batch in batches for example in batch) == [f"S{i}" for i in range(8)]
    assert all(len({example.case for example in batch}) == len(batch) for batch in batches)
    assert max(map(len, batches)) <= 4


def test_part_of_a_cohort_is_even_over_organs_and_nested():
    organs = {f"L{i}": "lung" for i in range(90)} | {f"S{i}": "skin" for i in range(8)} | {"E0": "eye", "E1": "eye"}
    fifth = sample_evenly(list(organs), organs, 0.2)
    assert sorted(sum(name.startswith(letter) for name in fifth) for letter in "LSE") == [2, 8, 10]
    assert sample_evenly(list(organs), organs, 0.05) < fifth < sample_evenly(list(organs), organs, 0.5)
    assert sample_evenly(list(organs), organs, 1.0) == set(organs)


def test_a_signal_within_an_epoch_costs_no_step_and_changes_no_bit(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    whole = train(tmp_path, out="a")
    original = Trainer._train_step
    signals = {(1, 0): signal.SIGTERM, (2, 1): signal.SIGUSR1}

    def told_to_stop(self, batch):
        original(self, batch)
        if number := signals.pop((self.epoch, self.step), None):
            os.kill(os.getpid(), number)

    monkeypatch.setattr(Trainer, "_train_step", told_to_stop)
    for message in ("after 1 epochs and 1 of 2 steps", "after 2 epochs and 2 of 2 steps"):
        with pytest.raises(Stopped, match=message):
            train(tmp_path, out="b")
    assert train(tmp_path, out="b") == whole
    assert not signals


def test_a_loss_that_is_no_number_names_step_slides_and_gradients(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    original = runs.build

    def broken(description, seed):
        network = original(description, seed)
        network.dna[0][0].weight.data[0, 0] = float("nan")
        return network

    monkeypatch.setattr(runs, "build", broken)
    with pytest.raises(Diverged, match=r"epoch 1, step 1: .*'dna_loss': nan.*gradient norms .*'rna': \d.*slides S\d"):
        train(tmp_path)


def test_a_damaged_store_is_named(tmp_path):
    write_cohort(tmp_path)
    content = bytearray((tmp_path / "patches.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "patches.npy").write_bytes(content)
    with pytest.raises(DamagedStore, match="packed patches of S11 .* differ from their checksum"):
        train(tmp_path)
    (tmp_path / "patches.npy").write_bytes(content[:-100])
    with pytest.raises(DamagedStore, match="can't be mapped"):
        train(tmp_path)


def test_a_store_is_read_for_its_checksums_once_and_not_at_each_resume(tmp_path, monkeypatch):
    """At every start and resume the whole store was read before the first step."""
    write_cohort(tmp_path)
    read = []
    verify = PatchStore.verify
    monkeypatch.setattr(PatchStore, "verify", lambda self, slides: read.append(len(slides)) or verify(self, slides))
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_judge", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            train(tmp_path)
    train(tmp_path)
    train(tmp_path, RUN | {"name": "other"}, "other")
    assert read == [12, 0, 0]
    content = bytearray((tmp_path / "patches.npy").read_bytes())
    content[-1] ^= 1
    (tmp_path / "patches.npy").write_bytes(content)
    with pytest.raises(DamagedStore, match="packed patches of S11 .* differ from their checksum"):
        train(tmp_path, RUN | {"name": "third"}, "third")
    write_cohort(tmp_path, seed=1)
    train(tmp_path, RUN | {"name": "third"}, "third")
    assert read == [12, 0, 0, 12, 12]


def test_the_next_cohort_of_a_store_is_read_without_the_first(tmp_path):
    write_cohort(tmp_path)
    store = PatchStore([str(tmp_path / "patches.npy")], [str(tmp_path / "index.tsv")])
    names = [f"S{index}" for index in range(12)]
    store.mark(names[:5])
    assert store.unverified(names) == names[5:]
    store.mark(names[5:7])
    again = PatchStore([str(tmp_path / "patches.npy")], [str(tmp_path / "index.tsv")])
    assert again.unverified(names) == names[7:]
    (tmp_path / ".patches.npy.verified").write_text("{")  # of no use, and no reason to stop
    assert again.unverified(names) == names


@pytest.mark.parametrize(("setting", "slide_count"), [(5, 5), (0, 12), (99, 12)])
def test_rankme_is_of_the_same_slides_at_each_epoch(tmp_path, monkeypatch, setting, slide_count):
    """It reread every training slide each epoch: up to 150 GB."""
    write_cohort(tmp_path)
    run = copy.deepcopy(RUN)
    run["training"] |= {"rankme_slides": setting, "epochs": 3}
    judged, names = [], []
    read, forward = Slot.start, training.Trainer.embed_judged
    monkeypatch.setattr(
        Slot, "start", lambda self, store, slides, *rest: names.append(slides) or read(self, store, slides, *rest)
    )

    def embed_judged(self):
        names.clear()
        output = forward(self)
        judged.extend(names)
        return output

    monkeypatch.setattr(training.Trainer, "embed_judged", embed_judged)
    card = train(tmp_path, run)["model_card.md"].decode()
    epochs = [sum(judged[i * len(judged) // 3 : (i + 1) * len(judged) // 3], []) for i in range(3)]
    assert epochs[0] == epochs[1] == epochs[2]
    assert len(set(epochs[0])) == len(epochs[0]) == slide_count
    assert f"RankMe of {slide_count} of its 12 training slides" in card
