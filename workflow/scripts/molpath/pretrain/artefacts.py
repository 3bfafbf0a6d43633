"""What a run leaves: the page that says what its weights are, its folder on the hub, TensorBoard events.

    python -m molpath.pretrain.artefacts results/pretrain/runs/<run> <empty folder>

copies a run's folder into the layout of the Hugging Face hub; nothing is uploaded from here. The folder can be given to
`hf upload`; `network.load("<user>/<model>")` takes it from the hub.
"""

from __future__ import annotations

import logging
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..common.digests import digest_of
from ..common.files import atomic_path, sha256_of, write_text

log = logging.getLogger(__name__)

FILES = ("model.safetensors", "config.json", "history.tsv")
HEADER = """\
---
library_name: molpath
tags: [pathology, whole-slide-image, multimodal, contrastive-learning]
pipeline_tag: feature-extraction
---

"""
HOW_TO_LOAD = """\
```python
from molpath.pretrain.network import load      # PYTHONPATH=workflow/scripts
network, config = load("results/pretrain/runs/{name}")
embedding = network.slide(patches)             # float32 patches x {dim} of one slide -> 1 x {width}
```
"""


def write_model_card(trainer, run: Mapping[str, Any], selected: Mapping[str, Any], contents, outputs) -> None:
    """Write model_card.md of a trained run: data, sizes, settings, RankMe curve, digests, versions."""
    data, network = trainer.data, trainer.network
    slides = len({one.slide_id for one in data.examples})
    cases = len({one.case for one in data.examples})
    name = run["name"]
    lines = [
        f"# {name}\n",
        "A slide encoder pretrained against molecular profiles after Threads (arXiv 2501.16652) by this workflow; not",
        "the weights of the paper.\n",
        HOW_TO_LOAD.format(name=name, dim=data.store.dim, width=network.width),
        "## Data\n",
        f"- cohorts: {', '.join(run['cohorts'])}: {cases} cases, {slides} slides, {len(data.examples)} pairs"
        + (f"; {run['fraction']:.0%} of the slides, evenly over organs" if run["fraction"] < 1 else ""),
        f"- patches: grid {run['grid']}, encoder {run['encoder']}, {data.store.dim} numbers a patch",
        *(f"- {kind}: SHA-256 {', '.join(digests)}" for kind, digests in shortened(contents).items()),
        "\n## Network\n",
        f"- slide encoder: {size(network.slide)}",
        f"- RNA branch: {size(network.rna)}",
        f"- DNA branch: {size(network.dna)}",
        *(f"- {file}: SHA-256 {sha256_of(outputs[file])}" for file in ("model.safetensors", "last.safetensors")),
        "\n## Training\n",
        f"- epoch {selected['epoch']} of {run['training']['epochs']} kept, RankMe {selected['rankme']:.2f} of its "
        f"training slides; seed {run['training']['seed']}",
        *(f"- {key}: {value}" for key, value in sorted(run["training"].items())),
        f"- RankMe by epoch: {rankme_curve(trainer.history)}",
        f"- Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}",
        "\n## Limits\n",
        "For research only. Embeddings can carry whatever the cohorts carry, site and stain included.\n",
    ]
    write_text(outputs["model_card.md"], "\n".join(lines))


def size(branch: torch.nn.Module | None) -> str:
    """Parameters of a branch in words."""
    return f"{sum(p.numel() for p in branch.parameters()):,} parameters" if branch is not None else "none"


def shortened(contents: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The first 16 digits of each file's digest, or one digest of them all where they are many (a store's shards)."""
    return {
        kind: list(digests) if len(digests) <= 4 else [f"of {len(digests)} files together {digest_of(list(digests))}"]
        for kind, digests in contents.items()
        if digests
    }


def rankme_curve(history: Sequence[Mapping[str, float]]) -> str:
    """RankMe of every epoch, to two decimals."""
    return " ".join(f"{row['rankme']:.2f}" for row in history)


class Events:
    """Scalars by epoch in `folder`; nothing without a folder, or where tensorboardX isn't installed."""

    def __init__(self, folder: str | None):
        self.writer = None
        if not folder:
            return
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            log.info("tensorboardX is not installed: no TensorBoard events")
            return
        self.writer = SummaryWriter(folder)

    def add(self, epoch: int, row: Mapping[str, float]) -> None:
        """Every number of a row of the history but the epoch itself."""
        for name, value in row.items():
            if self.writer and name != "epoch":
                self.writer.add_scalar(name, value, epoch)

    def close(self) -> None:
        """Write what waits."""
        if self.writer:
            self.writer.close()


def export(run_folder: str, target: str) -> None:
    """Copy weights, config and history of a run to `target`, with the model card as README.md.

    Raises FileExistsError if `target` holds anything: what was published should not change under its name.
    """
    source, folder = Path(run_folder), Path(target)
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; export to a new folder")
    for name in FILES:
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(source / name, temporary)
    write_text(folder / "README.md", HEADER + (source / "model_card.md").read_text())


def fetched(name: str, revision: str | None = None) -> str:
    """Folder of a model on the hub (user/model, at a revision), through huggingface_hub and its cache.

    Raises ModuleNotFoundError with what to do where that package isn't installed.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{name} is no folder here; to take it from the hub, install huggingface_hub"
        ) from error
    return snapshot_download(name, revision=revision, allow_patterns=["model.safetensors", "config.json"])


if __name__ == "__main__":
    export(*sys.argv[1:3])
