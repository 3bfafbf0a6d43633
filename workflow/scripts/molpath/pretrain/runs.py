"""One pretraining run, from packed patches, pairs and profiles to weights, history and a model card."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..common.digests import digest_of
from ..common.files import fingerprint, read_tsv, write_json, write_tsv
from ..common.finished import keep, restore
from ..common.progress import Progress
from .artefacts import Events, write_model_card
from .data import PairedData, gather, read_tables
from .distributed import launch, world
from .molecular_encoders import load_scgpt, read_vocabulary, standardise, vocabulary_of
from .network import build, save
from .store import PatchStore
from .training import Trainer

log = logging.getLogger(__name__)


def pretrain_run(
    *,
    run: Mapping[str, Any],
    patches: Sequence[str],
    indices: Sequence[str],
    pairs: str,
    rna: Sequence[str],
    dna: Sequence[str],
    outputs: Mapping[str, str],
    finished: str,
    state: str,
    code: str,
    slides: str | None = None,
    threads: int = 1,
    log_path: str | None = None,
    events: str | None = None,
) -> None:
    """Train the run and write `outputs`: model.safetensors, last.safetensors, config.json, history.tsv, model_card.md.

    run: the config's entry with `name`; patches, indices: shards of the packed store; rna, dna: tables of the run's
    cohorts; slides: sheet with the organs, for runs on a part of the pairs; finished: folder of finished results, from
    which the same contents are taken without a step; state: undeclared file of a stopped run; events: folder for
    TensorBoard. Raises what Trainer.run raises, or LaunchFailed where the run has several processes.
    """
    organs = read_organs(slides) if run["fraction"] < 1 else {}
    files = {"indices": indices, "pairs": [pairs], "rna": rna, "dna": dna}
    contents = {kind: [fingerprint(path) for path in paths] for kind, paths in files.items()}
    stamp = digest_of(contents, organs, dict(run), code)
    if restore(Path(finished) / stamp, outputs):
        log.info("same data, settings and code: taken from .finished/%s, no training step", stamp)
        return
    arguments = {
        "run": dict(run), "patches": _texts(patches), "indices": _texts(indices), "pairs": pairs, "rna": _texts(rna),
        "dna": _texts(dna), "outputs": {name: str(path) for name, path in outputs.items()}, "state": state,
        "stamp": stamp, "organs": organs, "contents": contents, "threads": threads, "log_path": log_path,
        "events": events,
    }  # fmt: skip
    processes = run["training"]["processes"]
    if processes > 1:
        launch(arguments, processes)
    else:
        train(**arguments)
    keep(Path(finished) / stamp, outputs)
    Path(state).unlink(missing_ok=True)


def _texts(paths: Sequence[str]) -> list[str]:
    return [str(path) for path in paths]


def read_organs(sheet: str | None) -> dict[str, str]:
    """Organ of each slide of a sheet; none where it has no such column."""
    table = read_tsv(sheet) if sheet else pd.DataFrame()
    if "organ" not in table:
        log.warning("the slide sheet has no column organ: the part of the pairs is taken from all slides alike")
        return {}
    return dict(zip(table.slide_id, table.organ, strict=True))


def train(
    *,
    run: Mapping[str, Any],
    patches: Sequence[str],
    indices: Sequence[str],
    pairs: str,
    rna: Sequence[str],
    dna: Sequence[str],
    outputs: Mapping[str, str],
    state: str,
    stamp: str,
    organs: Mapping[str, str],
    contents: Mapping[str, Sequence[str]],
    threads: int,
    log_path: str | None,
    events: str | None,
) -> None:
    """One process of a training; the first of them writes the results."""
    processes = run["training"]["processes"]
    torch.set_num_threads(max(1, threads // processes))
    # cuBLAS asks for this workspace to be deterministic; on GPUs some operations only warn.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    with world() as here:
        if here.size != processes:
            raise ValueError(f"run {run['name']} has {processes} processes, but {here.size} were started")
        store = PatchStore(patches, indices)
        data, description, vocabulary = prepare(run, store, pairs, rna, dna, organs)
        store.verify(here.share(list(dict.fromkeys(one.slide_id for one in data.examples))))
        network = build(description, run["training"]["seed"])
        if description.get("rna_encoder") and run["rna_encoder"]["checkpoint"]:
            load_scgpt(network.rna, run["rna_encoder"]["checkpoint"])
        trainer = Trainer(network, data, vocabulary, run["training"], state, stamp, here)
        _follow(trainer, run, log_path, events)
        if here.rank == 0:
            write_results(trainer, description, run, contents, outputs)


def _follow(trainer: Trainer, run: Mapping[str, Any], log_path: str | None, events: str | None) -> None:
    """Train, and tell log, terminal and TensorBoard after each epoch; speeds go nowhere else."""
    alone = trainer.world.rank == 0
    progress = Progress(log_path if alone else None, f"pretraining {run['name']}", run["training"]["epochs"], "epochs")
    board = Events(events if alone else None)

    def tell(row: Mapping[str, Any], seconds: float) -> None:
        progress.step()
        rate = len(trainer.data.examples) / seconds
        log.info("epoch %d: %s; %.0f slides/s", row["epoch"], {k: round(v, 5) for k, v in row.items()}, rate)
        board.add(row["epoch"], row | {"slides_per_second": rate})

    try:
        trainer.run(tell)
    finally:
        board.close()


def prepare(
    run: Mapping[str, Any],
    store: PatchStore,
    pairs: str,
    rna: Sequence[str],
    dna: Sequence[str],
    organs: Mapping[str, str] | None = None,
) -> tuple[PairedData, dict[str, Any], dict[str, int]]:
    """Data in memory, description of the network, and the vocabulary as a dict."""
    tables = {
        "rna": read_tables(rna) if "rna" in run["modalities"] else None,
        "dna": read_tables(dna) if "dna" in run["modalities"] else None,
    }
    examples = gather(pairs, store, run["cohorts"], tables["rna"], tables["dna"], run["fraction"], organs)
    data = PairedData(examples, store)
    description: dict[str, Any] = {"slide_encoder": run["slide_encoder"] | {"input": store.dim}}
    vocabulary: dict[str, int] = {}
    if tables["rna"] is not None:
        section, vocabulary = describe_rna(run["rna_encoder"], tables["rna"].var_names)
        description["rna_encoder"] = section
        known = [name in vocabulary for name in tables["rna"].var_names]
        genes, values = list(tables["rna"].var_names[known]), np.asarray(tables["rna"].X, np.float32)[:, known]
        if section["standardise"]:
            used = values[sorted({one.rna for one in examples if one.rna >= 0})].astype(np.float64)
            section["mean"] = dict(zip(genes, used.mean(0).round(6).tolist(), strict=True))
            section["deviation"] = dict(zip(genes, used.std(0).clip(1e-3).round(6).tolist(), strict=True))
        data.rna_values = standardise(values, section, genes)
        data.rna_tokens = np.array([vocabulary[name] for name in genes], np.int64)
    if tables["dna"] is not None:
        description["dna_encoder"] = run["dna_encoder"] | {"flags": list(tables["dna"].var_names)}
        data.flags = np.asarray(tables["dna"].X, np.float32)
    description |= {"grid": run["grid"], "encoder": run["encoder"]}
    return data, description, vocabulary


def describe_rna(settings: Mapping[str, Any], genes: Iterable[str]) -> tuple[dict[str, Any], dict[str, int]]:
    """Section rna_encoder of config.json and the vocabulary, from an scGPT folder or from the run's own genes."""
    words = read_vocabulary(settings["checkpoint"]) if settings["checkpoint"] else vocabulary_of(genes)
    known = set(words)
    missing = [name for name in genes if name not in known]
    log.info("%d of %d genes are in the vocabulary of %d words", len(genes) - len(missing), len(genes), len(words))
    return dict(settings) | {"vocabulary": words}, {word: number for number, word in enumerate(words)}


def write_results(
    trainer: Trainer,
    description: Mapping[str, Any],
    run: Mapping[str, Any],
    contents: Mapping[str, Sequence[str]],
    outputs: Mapping[str, str],
) -> None:
    """Weights of the kept and of the last epoch, config, history and model card."""
    save(trainer.network.state_dict(), outputs["model.safetensors"])
    save(trainer.last, outputs["last.safetensors"])
    selected = {"epoch": trainer.best["epoch"], "rankme": round(trainer.best["rankme"], 6)}
    write_json(outputs["config.json"], dict(description) | {"run": dict(run), "selected": selected})
    write_tsv(outputs["history.tsv"], pd.DataFrame(trainer.history))
    write_model_card(trainer, run, selected, contents, outputs)
