"""Training: the store, resume, sameness of bytes, and that it finds a planted signal where pooling loses it."""

import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import fingerprint, read_tsv
from molpath.embed.embedding import embed_block, gather_embeddings
from molpath.embed.profiles import embed_profiles, gather_profiles
from molpath.pretrain.profiles import UnfitProfiles
from molpath.pretrain.store import PatchStore
from molpath.pretrain.training import Stopped, Trainer

from .cohort import RUN, pack, train, write_cohort


def test_store_holds_every_patch_once_in_any_sample(tmp_path):
    write_cohort(tmp_path)
    store = PatchStore([tmp_path / "patches.npy"], [tmp_path / "index.tsv"])
    with h5py.File(tmp_path / "wsi/S3.h5") as handle:
        original = handle["features"][:]
    rng = np.random.default_rng(0)
    for _ in range(20):
        sample = store.sample("S3", 7, rng)
        assert len(np.unique(sample, axis=0)) == 7
        assert all((row == original).all(1).any() for row in sample)
    assert len(store.sample("S3", 99, rng)) == 10
    before = (tmp_path / "patches.npy").read_bytes()
    pack(tmp_path)
    assert (tmp_path / "patches.npy").read_bytes() == before


@pytest.mark.parametrize("bad", [["S3"], ["S0", "S3"], [f"S{i}" for i in range(12)]])
def test_numbers_beyond_fp16_cost_a_slide_and_no_store(tmp_path, bad):
    """Features of other tools are fp32: a slide that doesn't fit the store is set aside in its index, and counted."""
    write_cohort(tmp_path)
    good = [name for name in read_tsv(tmp_path / "index.tsv").slide_id if name not in bad]
    whole = PatchStore([tmp_path / "patches.npy"], [tmp_path / "index.tsv"])
    before = {name: np.array(whole.sample(name, None)) for name in good}
    manifest = read_tsv(tmp_path / "m.tsv").set_index("slide_id", drop=False)
    for name in bad:
        with h5py.File(tmp_path / "wsi" / f"{name}.h5", "r+") as handle:
            values = handle["features"][:].astype(np.float32)
            values[1, 2] = 70000
            del handle["features"]
            handle["features"] = values
        manifest.loc[name, "fingerprint"] = fingerprint(tmp_path / "wsi" / f"{name}.h5")
    manifest.to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    pack(tmp_path)
    index = read_tsv(tmp_path / "index.tsv").set_index("slide_id")
    assert index[index.status == "set_aside"].reason.to_dict() == dict.fromkeys(bad, "too_large")
    store = PatchStore([tmp_path / "patches.npy"], [tmp_path / "index.tsv"])
    assert sorted(store.place) == sorted(good)
    store.verify(good)
    assert all((store.sample(name, None) == before[name]).all() for name in good)
    assert len(np.load(tmp_path / "patches.npy")) == sum(map(len, before.values()))


def test_scgpt_weights_are_refused_for_another_branch(tmp_path):
    write_cohort(tmp_path)
    words = ["<pad>", "<cls>", *(f"G{i}" for i in range(8))]
    (tmp_path / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    rna = RUN["rna_encoder"] | {"kind": "mlp", "checkpoint": str(tmp_path)}
    with pytest.raises(ValueError, match=r"pretrain/runs/toy/rna_encoder/checkpoint: .* don't fit kind mlp: set"):
        train(tmp_path, RUN | {"rna_encoder": rna})


def test_same_seed_same_bytes_and_finished_work_is_taken(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    first = train(tmp_path, out="a")
    assert first == train(tmp_path, out="b")
    monkeypatch.setattr(Trainer, "run", lambda *_: pytest.fail("a training step was run"))
    assert train(tmp_path, out="a") == first
    description = json.loads(first["config.json"])
    assert description["rna_encoder"]["vocabulary"][:3] == ["<pad>", "<cls>", "<eoc>"]
    assert not (tmp_path / "state").exists()


def test_a_damaged_run_is_not_given_back(tmp_path, caplog):
    """A bit of the kept weights flips; results and kept files are hard links of each other."""
    write_cohort(tmp_path)
    first = train(tmp_path)
    (kept,) = (tmp_path / "finished-out").glob("*/model.safetensors")
    damaged = bytearray(first["model.safetensors"])
    damaged[-3] ^= 1
    kept.write_bytes(bytes(damaged))
    assert train(tmp_path) == first
    assert f"{kept} is damaged" in caplog.text
    assert kept.read_bytes() == first["model.safetensors"]


def test_stopped_run_ends_as_if_it_never_was(tmp_path, monkeypatch):
    write_cohort(tmp_path)
    whole = train(tmp_path, out="a")
    original = Trainer._train_epoch

    def stop_in_third(self):
        original(self)
        self.terminate = self.epoch == 2

    monkeypatch.setattr(Trainer, "_train_epoch", stop_in_third)
    with pytest.raises(Stopped, match="after 3 epochs"):
        train(tmp_path, out="b")
    assert (tmp_path / "state").exists()
    monkeypatch.setattr(Trainer, "_train_epoch", original)
    assert train(tmp_path, out="b", log_path=str(tmp_path / "log")) == whole
    progress = json.loads((tmp_path / "log.progress").read_text())
    assert progress["done"] == progress["total"] == RUN["training"]["epochs"]  # those of both attempts


def test_an_epoch_that_could_not_be_judged_is_not_trained_again(tmp_path, monkeypatch):
    """RankMe ran out of memory, or was asked to stop: its epoch's steps are kept, and the end is the same."""
    write_cohort(tmp_path)
    whole = train(tmp_path, out="a")
    steps, step, original = [], Trainer._train_step, Trainer.embed_judged

    def counted(self, batch):
        steps.append(self.epoch)
        step(self, batch)

    def out_of_memory(self):
        raise MemoryError

    def told_to_stop(self):
        self.terminate = True
        return original(self)

    monkeypatch.setattr(Trainer, "_train_step", counted)
    for failing, error in ((out_of_memory, MemoryError), (told_to_stop, Stopped)):
        monkeypatch.setattr(Trainer, "embed_judged", failing)
        with pytest.raises(error):
            train(tmp_path, out="b")
    monkeypatch.setattr(Trainer, "embed_judged", original)
    assert train(tmp_path, out="b") == whole
    assert len(steps) == len(set(steps)) * steps.count(0)


def test_slides_of_another_cohort_cost_no_step(tmp_path, caplog):
    """Rows of a cohort that the run doesn't train on are appended to the pairs, and its patches to the same shard."""
    write_cohort(tmp_path)
    first = train(tmp_path)
    pairs = pd.read_csv(tmp_path / "pairs.tsv", sep="\t", dtype=str)
    other = pairs.assign(slide_id="other", case_id="other", cohort="B", profile_id="other").head(1)
    pd.concat([pairs, other]).to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)
    index = (tmp_path / "index.tsv").read_text()
    packed = pd.read_csv(tmp_path / "index.tsv", sep="\t", dtype=str, keep_default_na=False)
    none = packed.head(1).assign(slide_id="other", start="0", count="0", crc32="00000000")
    pd.concat([packed, none]).to_csv(tmp_path / "index.tsv", sep="\t", index=False)
    caplog.set_level("INFO")
    assert train(tmp_path) == first
    assert "no training step" in caplog.text
    caplog.clear()
    pairs.iloc[1:].to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)
    (tmp_path / "index.tsv").write_text(index)
    assert train(tmp_path) != first
    assert "no training step" not in caplog.text


def test_zscores_are_refused(tmp_path):
    write_cohort(tmp_path)
    data = anndata.read_h5ad(tmp_path / "rna.h5ad")
    data.uns["value"] = "zscore"
    data.write_h5ad(tmp_path / "rna.h5ad")
    with pytest.raises(UnfitProfiles, match="holds z-scores"):
        train(tmp_path)


def embed(folder, model, sources, members):
    embed_block(
        members=members, cases={name: name for name in members}, model=model | {"name": "m"},
        manifests=[folder / "m.tsv"],
        sources=sources, wsi=folder / "wsi", output=folder / "block.h5", finished=folder / "f", code="c",
    )  # fmt: skip
    with h5py.File(folder / "block.h5") as handle:
        return handle["embeddings"][:]


def test_embeddings_of_cases_slides_and_profiles(tmp_path):
    write_cohort(tmp_path)
    train(tmp_path)
    sources = [str(tmp_path / "out/config.json"), str(tmp_path / "out/model.safetensors")]
    two = {"C0": ["S0", "S1"], "gone": ["S99"]}
    mean = embed(tmp_path, {"kind": "mean", "cases": "union"}, [], two)
    with h5py.File(tmp_path / "wsi/S0.h5") as a, h5py.File(tmp_path / "wsi/S1.h5") as b:
        both = np.concatenate([a["features"][:], b["features"][:]]).astype(np.float32)
    np.testing.assert_allclose(mean, both.mean(0)[None], atol=1e-6)
    trained = {"kind": "threads", "cases": "mean"}
    parts = [embed(tmp_path, trained, sources, {n: [n]})[0] for n in ("S0", "S1")]
    np.testing.assert_allclose(embed(tmp_path, trained, sources, two)[0], np.mean(parts, 0), atol=1e-6)
    untrained = {"kind": "random", "cases": "union", "slide_encoder": RUN["slide_encoder"]}
    first, other = (embed(tmp_path, untrained | {"seed": seed}, [], two) for seed in (1, 2))
    assert first.shape == other.shape == (1, 8)
    assert not np.allclose(first, other)
    (tmp_path / "slides.tsv").write_text(
        "slide_id\tcase_id\tcohort\torgan\tpath\nS0\tC0\tA\tlung\tx\nS1\tC0\tA\tliver\ty\nS9\tC9\tA\tlung\tz\n"
    )
    gather_embeddings(
        blocks=[tmp_path / "block.h5"], sheet=tmp_path / "slides.tsv", unit="case_id", output=tmp_path / "cases.h5ad",
        manifest=tmp_path / "cases.tsv",
        model={"name": "m", "kind": "random"},
    )  # fmt: skip
    cases = read_tsv(tmp_path / "cases.tsv")
    assert cases[["case_id", "status", "n_patches"]].to_numpy().tolist() == [["C0", "ok", "20"]]
    obs = anndata.read_h5ad(tmp_path / "cases.h5ad").obs
    columns = ["case_id", "cohort", "organ", "slides_used", "n_patches"]
    assert obs.loc["C0", columns].tolist() == ["C0", "A", "", "S0;S1", 20]  # its slides are of two organs
    blocks = [tmp_path / f"{kind}_block.h5ad" for kind in ("rna", "dna")]
    for kind, block in zip(("rna", "dna"), blocks, strict=True):
        table = tmp_path / f"{kind}.h5ad"
        names = [*anndata.read_h5ad(table).obs_names, "left out by quality control"]
        embed_profiles(table=str(table), profiles=names, run_folder=str(tmp_path / "out"), output=str(block))
    gather_profiles(blocks=blocks, output=tmp_path / "p.h5ad")
    profiles = anndata.read_h5ad(tmp_path / "p.h5ad")
    assert profiles.obs_names.is_unique
    assert profiles.obs.loc["rna:P3-rna", "profile_id"] == "P3-rna"
    assert profiles.shape == (24, 8)
    assert set(profiles.obs.modality) == {"rna", "dna"}
    assert set(profiles.obs.sample_type) == {""}  # its cases are no barcodes


@pytest.mark.parametrize(("kind", "value", "says"), [
    ("rna", "vst", "rna.h5ad holds vst, and the run in .*out read log2_tpm_plus_1: set omics/value to log2_tpm, and"),
    ("rna", "", "rna.h5ad has none of the 8 genes that the run in"),
    ("dna", "", "dna.h5ad has none of the 8 flags that the run in"),
])  # fmt: skip
def test_profiles_that_a_run_cannot_know_are_not_embedded(tmp_path, kind, value, says):
    """Each would have the same embedding, or one of numbers that mean something else."""
    write_cohort(tmp_path)
    train(tmp_path)
    table = tmp_path / f"{kind}.h5ad"
    data = anndata.read_h5ad(table)
    if value:
        data.uns["value"] = value
    else:
        data.var_names = [f"other{name}" for name in data.var_names]
    data.write_h5ad(table)
    with pytest.raises(UnfitProfiles, match=says):
        embed_profiles(
            table=str(table),
            profiles=list(data.obs_names),
            run_folder=str(tmp_path / "out"),
            output=str(tmp_path / "o"),
        )


def test_training_lowers_the_loss_of_both_branches(tmp_path):
    write_cohort(tmp_path, cases=40, share=0.5)
    rates = {"slide": 3e-3, "rna": 3e-3, "dna": 3e-3}
    training = RUN["training"] | {"epochs": 30, "batch_size": 20, "learning_rate": rates}
    train(tmp_path, RUN | {"training": training})
    history = pd.read_csv(tmp_path / "out/history.tsv", sep="\t")
    assert history.rna_loss.iloc[-1] < 0.9 * history.rna_loss.iloc[0]
    assert history.dna_loss.iloc[-1] < 0.9 * history.dna_loss.iloc[0]
    assert history.kept.sum() >= 1
