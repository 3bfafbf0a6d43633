"""What a run's folder says about itself: config.json, model card and digests, rewritten when names or facts change.

Results of training are in config.json (`trained`), so that none of this needs a training step.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ..common.digests import DIGESTS, digest_of
from ..common.files import write_json, write_tsv
from ..common.settings.pretrain import Run
from .artefacts import write_digests
from .description import Description, Selected, Trained
from .job import Job
from .model_card import write_model_card
from .network import save
from .training import Trainer

#: Branches whose sizes the card gives.
BRANCHES = ("slide", "rna", "dna")


def write_trained(trainer: Trainer, description: Description, cases: Sequence[str], job: Job) -> None:
    """Write weights of the kept and of the last epoch, history, and in config.json what training found out.

    cases: ids of those trained on, of which config.json holds digests.
    """
    outputs = job["outputs"]
    save(trainer.network.state_dict(), outputs["model.safetensors"])
    save(trainer.last, outputs["last.safetensors"])
    write_tsv(outputs["history.tsv"], pd.DataFrame(trainer.history))
    selected: Selected = {"epoch": trainer.best["epoch"], "rankme": round(trainer.best["rankme"], 6)}
    training = {"selected": selected, "cases": sorted(map(digest_of, cases)), "trained": found_out(trainer, job)}
    write_json(outputs["config.json"], {**description, **training})


def found_out(trainer: Trainer, job: Job) -> Trained:
    """What the card says about the data and the training."""
    data, network = trainer.data, trainer.network
    branches = {name: getattr(network, name) for name in BRANCHES}
    return {
        "cases": len({example.case for example in data.examples}),
        "slides": len({example.slide_id for example in data.examples}),
        "organs": len({organ for organ in job["organs"].values() if organ}),
        "pairs": len(data.examples),
        "judged": len(trainer.judged),
        "width": network.width,
        "rankme": [round(float(row["rankme"]), 6) for row in trainer.history],
        "parameters": {
            name: sum(p.numel() for p in branch.parameters()) for name, branch in branches.items() if branch is not None
        },
        "contents": {kind: list(digests) for kind, digests in job["contents"].items()},
        "software": {"Python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__},
    }


def write_documents(run: Run, weights: str, outputs: Mapping[str, str], patch_encoder: Mapping[str, str]) -> None:
    """Write what the folder of trained weights says about itself, under the names of this study.

    weights: digests of the weights that encoded the patches; patch_encoder: what the card says about it.
    """
    description = json.loads(Path(outputs["config.json"]).read_text(encoding="utf-8"))
    if "rna_encoder" in description:
        description["rna_encoder"]["checkpoint"] = run["rna_encoder"]["checkpoint"]
    patches = {**run.get("patches", {}), "weights": weights}
    description |= {"grid": run["grid"], "encoder": run["encoder"], "run": {**run, "patches": patches}}
    write_json(outputs["config.json"], description)
    write_model_card(run, description, outputs, patch_encoder)
    write_digests(outputs[DIGESTS], {name: path for name, path in outputs.items() if name != DIGESTS})
