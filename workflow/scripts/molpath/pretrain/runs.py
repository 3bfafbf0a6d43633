"""One pretraining run, from packed patches, pairs and profiles to weights, history and a model card."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..common.digests import digest_of
from ..common.files import fingerprint, sha256_of, write_json, write_text, write_tsv
from ..common.finished import keep, restore
from ..common.progress import Progress
from .molecular_encoders import PAD, load_scgpt, read_vocabulary, standardise, vocabulary_of
from .network import Threads, build, save
from .pairs_data import PairedData, gather, read_tables
from .store import PatchStore
from .training import Trainer

log = logging.getLogger(__name__)


def pretrain_run(
    *,
    run: Mapping[str, Any],
    patches: str,
    index: str,
    pairs: str,
    rna: Sequence[str],
    dna: Sequence[str],
    outputs: Mapping[str, str],
    finished: str,
    state: str,
    code: str,
    threads: int = 1,
    log_path: str | None = None,
) -> None:
    """Train the run and write `outputs`: model.safetensors, config.json, history.tsv, model_card.md by these names.

    run: the config's entry with `name`; rna, dna: tables of the run's cohorts; finished: folder of finished results,
    from which the same contents are taken without a step; state: undeclared file of a stopped run.
    """
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    contents = [fingerprint(path) for path in (index, pairs, *rna, *dna)]
    stamp = digest_of(contents, sha256_of(patches), dict(run), code)
    if restore(Path(finished) / stamp, outputs):
        log.info("same data, settings and code: taken from .finished/%s, no training step", stamp)
        return
    data, description, vocabulary = prepare(run, PatchStore(patches, index), pairs, rna, dna)
    network = build(description, run["training"]["seed"])
    if description.get("rna_encoder") and run["rna_encoder"]["checkpoint"]:
        log.info("%d tensors from scGPT", load_scgpt(network.rna, run["rna_encoder"]["checkpoint"]))
    progress = Progress(log_path, f"pretraining {run['name']}", run["training"]["epochs"], "epochs")
    trainer = Trainer(network, data, vocabulary, run["training"], state, stamp)
    trainer.run(lambda epoch: progress.step())
    write_results(network, description, trainer, data, run, outputs)
    keep(Path(finished) / stamp, outputs)
    Path(state).unlink(missing_ok=True)


def prepare(run, store: PatchStore, pairs: str, rna: Sequence[str], dna: Sequence[str]):
    """Data in memory, description of the network, and the vocabulary as a dict."""
    tables = {
        "rna": read_tables(rna) if "rna" in run["modalities"] else None,
        "dna": read_tables(dna) if "dna" in run["modalities"] else None,
    }
    examples = gather(pairs, store, run["cohorts"], tables["rna"], tables["dna"])
    data = PairedData(examples, store)
    description = {"slide_encoder": run["slide_encoder"] | {"input": store.dim}}
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


def describe_rna(settings: Mapping[str, Any], genes) -> tuple[dict[str, Any], dict[str, int]]:
    """Section rna_encoder of config.json and the vocabulary, from an scGPT folder or from the run's own genes."""
    if not settings["checkpoint"]:
        words = vocabulary_of(genes)
    else:
        words = read_vocabulary(settings["checkpoint"])
        if words[0] != PAD:
            raise ValueError(f"{settings['checkpoint']}/vocab.json does not give {PAD} the id 0")
    known = set(words)
    missing = [name for name in genes if name not in known]
    log.info("%d of %d genes are in the vocabulary of %d words", len(genes) - len(missing), len(genes), len(words))
    return dict(settings) | {"vocabulary": words}, {word: number for number, word in enumerate(words)}


def write_results(network: Threads, description, trainer: Trainer, data: PairedData, run, outputs) -> None:
    """Weights, config, history and model card."""
    save(network, outputs["model.safetensors"])
    selected = {"epoch": trainer.best["epoch"], "rankme": round(trainer.best["rankme"], 6)}
    write_json(outputs["config.json"], description | {"run": dict(run), "selected": selected})
    write_tsv(outputs["history.tsv"], pd.DataFrame(trainer.history))
    write_text(outputs["model_card.md"], model_card(network, data, run, selected))


def model_card(network: Threads, data: PairedData, run: Mapping[str, Any], selected: Mapping[str, Any]) -> str:
    """A page that says what the weights are."""

    def size(branch) -> str:
        return f"{sum(p.numel() for p in branch.parameters()):,} parameters" if branch is not None else "none"

    slides = len({one.slide_id for one in data.examples})
    cases = len({one.case for one in data.examples})
    return (
        f"# {run['name']}\n\n"
        "A slide encoder pretrained against molecular profiles after Threads (arXiv 2501.16652) by this workflow; not\n"
        "the weights of the paper.\n\n"
        f"- cohorts: {', '.join(run['cohorts'])}: {cases} cases, {slides} slides, {len(data.examples)} pairs\n"
        f"- patches: grid {run['grid']}, encoder {run['encoder']}, {data.store.dim} numbers a patch\n"
        f"- slide encoder: {size(network.slide)}\n- RNA branch: {size(network.rna)}\n"
        f"- DNA branch: {size(network.dna)}\n"
        f"- epoch {selected['epoch']} of {run['training']['epochs']}, RankMe {selected['rankme']:.2f} of its training "
        f"slides; seed {run['training']['seed']}\n\n"
        "For research only. Embeddings can carry whatever the cohorts carry, site and stain included.\n"
    )
