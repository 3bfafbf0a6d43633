"""The job of fine-tuning: what it writes, what it takes again, and whom it leaves out."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from molpath.common.files import fingerprint, read_tsv
from molpath.common.manifests import accepted, write_manifest
from molpath.embed.bags import OtherWeights
from molpath.embed.foreign import ChiefPooling
from molpath.pretrain.network import build, save
from molpath.probe.finetune import FineTuning
from molpath.probe.finetune_jobs import run_finetune
from molpath.probe.tasks import BadTask
from molpath.probe.trainable import builder
from schema_defaults import defaults_of

from .test_finetune import PAPER, QUICK, planted

pytestmark = pytest.mark.usefixtures("one_thread")


def write_job(folder, task, bags, two_slides=("C0",)):
    """Feature files (a case's patches on one slide, or halves on two), their manifest and the task's files."""
    (folder / "wsi").mkdir(parents=True)
    rows, table = [], []
    for i, (case, x) in enumerate(zip(task.samples, bags, strict=True)):
        halves = np.array_split(x, 2) if case in two_slides else [x]
        for half, part in enumerate(halves):
            slide = f"{case}-{half}"
            with h5py.File(folder / "wsi" / f"{slide}.h5", "w") as handle:
                handle["features"] = part.astype(np.float16)
            facts = {"file": f"{slide}.h5", "bytes": 1, "fingerprint": fingerprint(folder / "wsi" / f"{slide}.h5")}
            rows.append(accepted(slide, n_patches=len(part), dim=12, **facts))
            table.append([case, slide, str(task.labels[i]), *task.folds[i]])
    write_manifest(folder / "m.tsv", rows, ["n_patches", "dim", "file", "bytes", "fingerprint"])
    settings = {"task_col": "y", "sample_col": "case_id", "label_dict": {0: "a", 1: "b"}, "metrics": ["macro-ovr-auc"]}
    (folder / "config.yaml").write_text(json.dumps(settings))
    columns = ["case_id", "slide_id", "y", *(f"fold_{k}" for k in range(task.folds.shape[1]))]
    pd.DataFrame(table, columns=columns).to_csv(folder / "k=all.tsv", sep="\t", index=False)


def run(folder, out, model, sources=(), **finetune):
    out.mkdir(exist_ok=True)
    own = PAPER | {"threads": 1, "recipes": dict.fromkeys(PAPER["recipes"], QUICK | {"epochs": 2})} | finetune
    run_finetune(
        task="toy--y", config=str(folder / "config.yaml"), table=str(folder / "k=all.tsv"),
        cohort=str(folder / "slides.tsv"), model=model, manifests=[str(folder / "m.tsv")], sources=list(sources),
        wsi=str(folder / "wsi"), settings=defaults_of("probe") | {"finetune": own, "bootstraps": 10},
        finished=str(folder / "finished"), code="c", predictions=str(out / "p.parquet"), metrics=str(out / "m.tsv"),
        summary=str(out / "s.tsv"),
    )  # fmt: skip
    return {name: (out / name).read_bytes() for name in ("p.parquet", "m.tsv", "s.tsv")}


@pytest.mark.parametrize("kind", ["threads", "random", "abmil"])
def test_job_writes_predictions_metrics_and_summary(tmp_path, kind):
    task, bags = planted(n=16, folds=2)
    write_job(tmp_path, task, bags)
    sizes = {"hidden": 8, "layers": 1, "heads": 2, "output": 8, "dropout": 0.1, "attention_dropout": 0.25}
    model, sources = {"name": "one", "kind": kind, "slide_encoder": sizes, "seed": 0}, []
    if kind == "threads":
        description = {"slide_encoder": sizes | {"input": 12}}
        save(build(description, 0).state_dict(), tmp_path / "model.safetensors")
        (tmp_path / "config.json").write_text(json.dumps(description))
        (tmp_path / "run").mkdir()
        sources = [str(tmp_path / "config.json"), str(tmp_path / "model.safetensors")]
    precision = "bf16" if kind == "random" else "fp32"
    recipe = QUICK | {"epochs": 2, "precision": precision}
    run(tmp_path, tmp_path / "out", model, sources, recipes={"threads": recipe, "abmil": recipe})
    predictions = pd.read_parquet(tmp_path / "out/p.parquet")
    assert (predictions.groupby("fold").size() == 8).all()
    assert set(predictions.sample_id) == set(task.samples)
    np.testing.assert_allclose(predictions.prob_0 + predictions.prob_1, 1, atol=1e-6)
    summary = read_tsv(tmp_path / "out/s.tsv").set_index("metric")
    assert summary.loc["macro-ovr-auc", "primary"] == "1"
    assert set(summary.protocol) == {"finetune"}
    assert float(summary.loc["train_steps", "mean"]) == 2 * 8
    assert 0 < float(summary.loc["train_loss", "mean"]) < 5
    assert 0 <= float(summary.loc["train_macro-ovr-auc", "mean"]) <= 1
    assert summary.loc["macro-ovr-auc", "p_permuted"] == "not computed"
    assert float(summary.loc["macro-ovr-auc", "lower"]) < float(summary.loc["macro-ovr-auc", "upper"])


def test_finished_folds_are_taken_and_a_failed_one_is_a_row_with_its_reason(tmp_path, monkeypatch):
    task, bags = planted(n=16, folds=2)
    task.folds[task.labels == 1, 1] = "test"  # fold 1 has one class on its training side
    write_job(tmp_path, task, bags)
    model = {"name": "one", "kind": "abmil"}
    first = run(tmp_path, tmp_path / "a", model)
    rows = read_tsv(tmp_path / "a/m.tsv")
    failed = rows[rows.fold == "1"]
    assert failed.value.tolist() == [""]
    assert failed.note.tolist() == ["the training side has one class only"]
    assert (rows[rows.fold == "0"].value != "").all()
    assert len(list((tmp_path / "finished").glob("*.npz"))) == 1
    trained = []
    plain = FineTuning._train
    monkeypatch.setattr(FineTuning, "_train", lambda self, *rest: trained.append(1) or plain(self, *rest))
    assert run(tmp_path, tmp_path / "b", model) == first
    assert not trained
    run(tmp_path, tmp_path / "c", model, seed=8)
    assert trained


def test_case_without_patches_is_left_out_or_stops_the_job(tmp_path):
    task, bags = planted(n=16, folds=2)
    write_job(tmp_path, task, bags)
    manifest = (tmp_path / "m.tsv").read_text().splitlines()
    (tmp_path / "m.tsv").write_text("\n".join(line for line in manifest if not line.startswith("C5-")) + "\n")
    run(tmp_path, tmp_path / "out", {"name": "one", "kind": "abmil"})
    assert set(read_tsv(tmp_path / "out/s.tsv").n_missing) == {"1"}
    (tmp_path / "m.tsv").write_text(manifest[0] + "\n")
    with pytest.raises(BadTask, match="16 of 16 case_ids have no patches"):
        run(tmp_path, tmp_path / "out", {"name": "one", "kind": "abmil"})


@pytest.mark.parametrize("slide", ["C0-1", "C9-0"])
def test_patches_of_other_weights_than_the_runs_are_refused_before_a_fold(tmp_path, monkeypatch, slide):
    """Of any slide, the second of a case too; the name of the encoder and the width of its features are the run's."""
    task, bags = planted(n=16, folds=2)
    write_job(tmp_path, task, bags)
    table = read_tsv(tmp_path / "m.tsv").assign(weights="aaaa1111")
    table.loc[table.slide_id == slide, "weights"] = "bbbb2222"
    table.to_csv(tmp_path / "m.tsv", sep="\t", index=False)
    about = {"run": {"name": "toy", "patches": {"weights": "aaaa1111"}}}
    (tmp_path / "config.json").write_text(json.dumps(about))
    monkeypatch.setattr(FineTuning, "_train", lambda *_: pytest.fail("a fold was trained"))
    message = f"slide {slide}: {slide}.h5 was made with weights .* bbbb2222, and run toy .* read patches of aaaa1111"
    with pytest.raises(OtherWeights, match=message):
        run(tmp_path, tmp_path / "out", {"name": "one", "kind": "threads"}, [str(tmp_path / "config.json")])
    assert not list((tmp_path / "out").iterdir())
    assert not (tmp_path / "finished").exists()


def test_chief_is_tuned_from_its_weights(tmp_path):
    torch.manual_seed(1)
    state = ChiefPooling().state_dict()
    torch.save(state | {"classifiers.weight": torch.zeros(2, 512)}, tmp_path / "chief.pth")
    network = builder({"kind": "chief"}, [str(tmp_path / "chief.pth")], 768, 2)()
    for name, value in state.items():
        assert torch.equal(network.encoder.state_dict()[name], value)
    assert all(parameter.requires_grad for parameter in network.parameters())
    with pytest.raises(ValueError, match="kind mean can't be fine-tuned"):
        builder({"kind": "mean"}, [], 768, 2)()
