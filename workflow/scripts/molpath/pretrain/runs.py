"""One pretraining run, from packed patches, pairs and profiles to weights, history and a model card."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..common.digests import digest_of
from ..common.files import fingerprint, read_tsv
from ..common.finished import keep, restore
from ..common.kinds import SCGPT_FILES
from ..common.progress import Progress
from ..common.settings.pretrain import Run
from ..omics.genes import GeneTable
from ..omics.vocabulary import current_words
from .artefacts import Events
from .distributed import World, launch, world
from .documents import write_documents, write_trained
from .job import Job
from .molecular_encoders import RnaEncoder, load_scgpt, read_vocabulary
from .network import build
from .preparation import prepare
from .profiles import chosen_genes, fit_of, read_table
from .sizes import check_size, room
from .store import PatchStore
from .training import Row, Trainer

log = logging.getLogger(__name__)

#: What is kept of a run. Its card and digests, and what config.json says about names, are written again each time.
KEPT = ("model.safetensors", "last.safetensors", "history.tsv", "config.json")
#: Keys of a run that are only names; checksums identify its patches.
NAMES = ("name", "grid", "encoder", "patches")
#: Settings of training that don't affect results.
NEUTRAL = ("readers", "save_every")


def pretrain_run(
    *,
    run: Run,
    patches: Sequence[str],
    indices: Sequence[str],
    pairs: str,
    rna: Sequence[str],
    dna: Sequence[str],
    outputs: Mapping[str, str],
    finished: str,
    state: str,
    code: str,
    genes: str = "",
    slides: str | None = None,
    threads: int = 1,
    log_path: str | None = None,
    events: str | None = None,
    patch_encoder: Mapping[str, str] | None = None,
    promised_gpu: bool = False,
) -> None:
    """Train the run and write `outputs`: model.safetensors, last.safetensors, config.json, history.tsv, model_card.md,
    and sha256.txt with the digests of these. Most arguments are those of a Job.

    slides: sheet with the organs, for runs on a part of the pairs; finished: folder of finished results, from which the
    same contents are taken without a step; names, rows of other cohorts and what is known about the patch encoder don't
    count as contents; config.json and the card are rewritten with them. code: digest of the code that trains;
    patch_encoder: what the card says about it. Raises what Trainer.run raises, or LaunchFailed where the run has
    several processes.
    """
    check_checkpoint(run)
    genes = str(genes) if run["rna_encoder"]["checkpoint"] and "rna" in run["modalities"] else ""
    contents, organs = contents_of(run, indices, pairs, rna, dna, genes), organs_of(run, pairs, slides)
    # Snakemake's paths are more than text; the processes of a job get plain text.
    job: Job = {
        "run": run, "patches": _texts(patches), "indices": _texts(indices), "pairs": str(pairs), "rna": _texts(rna),
        "dna": _texts(dna), "genes": genes, "outputs": {name: str(path) for name, path in outputs.items()},
        "state": str(state), "stamp": digest_of(contents, organs, settings_of(run), code), "organs": organs,
        "contents": contents, "threads": threads, "log_path": log_path, "events": events,
        "promised_gpu": promised_gpu,
    }  # fmt: skip
    train_or_take(job, Path(finished) / job["stamp"])
    write_documents(run, weights_of(run, indices, pairs), job["outputs"], patch_encoder or {})


def train_or_take(job: Job, folder: Path) -> None:
    """Take the results of the same stamp from `folder`, or train and keep them there."""
    outputs = {name: job["outputs"][name] for name in KEPT}
    if restore(folder, outputs):
        log.info("same data, settings and code: taken from .finished/%s, no training step", folder.name)
        return
    processes = job["run"]["training"]["processes"]
    if processes > 1:
        launch(job, processes)
    else:
        train(job)
    keep(folder, outputs)
    Path(job["state"]).unlink(missing_ok=True)


def settings_of(run: Run) -> dict[str, object]:
    """Settings that decide what a run becomes: no names, no path of a checkpoint (its contents count), no branch that
    is not trained, not how it reads its patches or how often its state is saved."""
    idle = {f"{kind}_encoder" for kind in ("rna", "dna") if kind not in run["modalities"]}
    settings = {key: value for key, value in run.items() if key not in {*NAMES, *idle}}
    if "rna_encoder" in settings:
        settings["rna_encoder"] = {key: value for key, value in run["rna_encoder"].items() if key != "checkpoint"}
    return settings | {"training": {key: value for key, value in run["training"].items() if key not in NEUTRAL}}


def check_checkpoint(run: Run) -> None:
    """Raises ValueError where the run starts from scGPT's weights and its expression branch is another network."""
    if run["rna_encoder"]["checkpoint"] and run["rna_encoder"]["kind"] != "scgpt":
        raise ValueError(
            f"config, key pretrain/runs/{run['name']}/rna_encoder/checkpoint: scGPT's weights don't fit kind "
            f"{run['rna_encoder']['kind']}: set `kind: scgpt`, or leave the checkpoint empty"
        )


def contents_of(
    run: Run, indices: Sequence[str], pairs: str, rna: Sequence[str], dna: Sequence[str], genes: str = ""
) -> dict[str, list[str]]:
    """Digests of all that the run trains on, and of nothing else: its pairs, their packed patches, its profiles, and
    the weights it starts from with their words under the symbols of the table of gene names."""
    slide_ids = set(slides_of(run, pairs))
    packed = [row for path in indices for row in read_tsv(path).to_dict("records") if row["slide_id"] in slide_ids]
    folder = run["rna_encoder"]["checkpoint"] if "rna" in run["modalities"] else ""
    paired = pairs_of(run, pairs)
    names = {kind: set(paired.profile_id[paired.modality == kind]) for kind in ("rna", "dna")}
    return {
        "patches": [digest_of(sorted((row["slide_id"], row["count"], row["crc32"]) for row in packed))],
        "pairs": [digest_of(paired.to_numpy().tolist())],
        "rna": [digest_of_profiles(path, names["rna"]) for path in rna],
        "dna": [digest_of_profiles(path, names["dna"]) for path in dna],
        "scgpt": [fingerprint(f"{folder}/{name}") for name in SCGPT_FILES] if folder else [],
        "genes": [digest_of(current_words(read_vocabulary(folder), GeneTable(genes)).words)] if genes else [],
    }


def digest_of_profiles(path: str, names: set[str]) -> str:
    """Digest of what a run takes from a table: values and cohorts of its own profiles (`names`) in their order, the
    chosen genes (those of all cohorts are the vocabulary), and what the numbers are; no other profile and no column."""
    table = chosen_genes(read_table(path))
    rows = np.flatnonzero(table.obs_names.isin(names))
    values = np.asarray(table.X)[rows]
    kind = {"value": str(table.uns["value"]), "listed": bool(table.uns.get("listed")), "fit": fit_of(table)}
    ids = list(zip(table.obs_names[rows], table.obs["cohort"].astype(str).iloc[rows], strict=True))
    return digest_of(
        kind, ids, list(table.var_names), values if kind["value"] == "flags" else values.astype(np.float32)
    )


def pairs_of(run: Run, pairs: str) -> pd.DataFrame:
    """Rows of pairs.tsv that the run reads: slide_id, case_id, modality, profile_id."""
    table = read_tsv(pairs)
    is_used = (table.status == "paired") & table.cohort.isin(run["cohorts"]) & table.modality.isin(run["modalities"])
    return table.loc[is_used, ["slide_id", "case_id", "modality", "profile_id"]]


def slides_of(run: Run, pairs: str) -> list[str]:
    """Slides that are paired with a profile that the run reads, in the order of pairs.tsv."""
    return list(dict.fromkeys(pairs_of(run, pairs).slide_id))


def weights_of(run: Run, indices: Sequence[str], pairs: str) -> str:
    """Digests of the weights that encoded the run's patches, as the packed store says them; '' where it knows none."""
    slide_ids = set(slides_of(run, pairs))
    rows = [row for path in indices for row in read_tsv(path).to_dict("records") if row["slide_id"] in slide_ids]
    return "; ".join(sorted({row.get("weights", "") for row in rows}))


def cases_of(trainer: Trainer, job: Job) -> list[str]:
    """Ids of the cases that were trained on, sorted."""
    pairs = pairs_of(job["run"], job["pairs"])
    is_trained = pairs.slide_id.isin({example.slide_id for example in trainer.data.examples})
    return sorted(pairs.case_id[is_trained].unique())


def organs_of(run: Run, pairs: str, sheet: str | None) -> dict[str, str]:
    """Organ of each slide of the run, by the slide sheet, where it trains on a part of them; else none."""
    organs = read_organs(sheet) if run["fraction"] < 1 else {}
    return {slide: organs[slide] for slide in slides_of(run, pairs) if slide in organs}


def _texts(paths: Sequence[str]) -> list[str]:
    return [str(path) for path in paths]


def read_organs(sheet: str | None) -> dict[str, str]:
    """Organ of each slide of a sheet; none where it has no such column."""
    table = read_tsv(sheet) if sheet else pd.DataFrame()
    if "organ" not in table:
        log.warning("the slide sheet has no column organ: the part of the pairs is taken from all slides alike")
        return {}
    return dict(zip(table.slide_id, table.organ, strict=True))


def train(job: Job) -> None:
    """One process of a training; the first of them writes the results."""
    run = job["run"]
    processes, checkpoint = run["training"]["processes"], run["rna_encoder"]["checkpoint"]
    torch.set_num_threads(max(1, job["threads"] // processes))
    # cuBLAS asks for this workspace to be deterministic; on GPUs some operations only warn.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    with world(job["promised_gpu"]) as process_group:
        if process_group.size != processes:
            raise ValueError(f"run {run['name']} has {processes} processes, but {process_group.size} were started")
        store = PatchStore(job["patches"], job["indices"])
        data, description, vocabulary = prepare(
            run, store, job["pairs"], job["rna"], job["dna"], job["organs"], job["genes"]
        )
        local_processes = int(os.environ.get("LOCAL_WORLD_SIZE", processes))  # of this node, which they share
        check_size(description, run["name"], *room(process_group.device, local_processes))
        verify_once(store, list(dict.fromkeys(example.slide_id for example in data.examples)), process_group)
        network = build(description, run["training"]["seed"])
        if network.rna is not None and checkpoint:
            assert isinstance(network.rna, RnaEncoder)  # checked before
            load_scgpt(network.rna, checkpoint)
        trainer = Trainer(network, data, vocabulary, run["training"], job["state"], job["stamp"], process_group)
        _follow(trainer, job)
        if process_group.rank == 0:
            write_trained(trainer, description, cases_of(trainer, job), job)


def verify_once(store: PatchStore, slides: list[str], process_group: World) -> None:
    """Each process reads its share of the slides that no run has verified yet."""
    unverified = process_group.collect(store.unverified(slides))[0]
    store.verify(process_group.share(unverified))
    process_group.collect(True)  # none found damage
    if process_group.rank == 0:
        store.mark(unverified)


def _follow(trainer: Trainer, job: Job) -> None:
    """Train, and report to log, terminal and TensorBoard after each epoch; speeds are written nowhere else."""
    is_first_rank = trainer.world.rank == 0
    run, log_path = job["run"], job["log_path"] if is_first_rank else None
    progress = Progress(log_path, f"pretraining {run['name']}", run["training"]["epochs"], "epochs")
    board = Events(job["events"] if is_first_rank else None)

    def report(row: Row, seconds: float) -> None:
        before = int(row["epoch"]) - progress.state["done"] - 1
        if before > 0:  # a stopped run continues from where it was
            progress.step(before, kept=True)
        progress.step()
        rate = len(trainer.data.examples) / seconds
        log.info("epoch %d: %s; %.0f slides/s", row["epoch"], {k: round(v, 5) for k, v in row.items()}, rate)
        board.add(row | {"slides_per_second": rate})

    try:
        trainer.run(report)
    finally:
        board.close()
