"""Exports of a run: its folder on the hub, TensorBoard events.

    python -m molpath.pretrain.artefacts results/pretrain/runs/<run> <empty folder>

copies a run's folder into the layout of the Hugging Face hub; nothing is uploaded from here. The folder can be given to
`hf upload`; `network.load("<user>/<model>")` takes it from the hub.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..common.digests import DIGESTS, listed_digests, sha256_of
from ..common.files import atomic_path, write_text

log = logging.getLogger(__name__)

FILES = ("model.safetensors", "config.json", "history.tsv")
CARD = "model_card.md"


class DamagedModel(Exception):
    """Files of a run that don't match its digests."""


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

    def add(self, row: Mapping[str, float]) -> None:
        """Every number of a row of the history, at its epoch."""
        for name, value in row.items():
            if self.writer and name != "epoch":
                self.writer.add_scalar(name, value, int(row["epoch"]))

    def close(self) -> None:
        """Write pending events."""
        if self.writer:
            self.writer.close()


def export(run_folder: str, target: str) -> None:
    """Copy weights, config and history of a run to `target`, with their digests and the model card as README.md.

    Raises FileExistsError if `target` is a file or holds anything: what was published should not change under its name.
    Raises DamagedModel where a file is not the one that the run wrote, or has no recorded digest.
    """
    source, folder = Path(run_folder), Path(target)
    needed = (*FILES, CARD, DIGESTS)
    if missing := [name for name in needed if not (source / name).is_file()]:
        raise DamagedModel(f"{source} holds no {', '.join(missing)}: take the whole folder of a finished run")
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(f"{folder} is a file; export to a new folder")
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty; export to a new folder")
    check_digests(source, [*FILES, CARD])
    for name in FILES:
        with atomic_path(folder / name) as temporary:
            shutil.copyfile(source / name, temporary)
    write_text(folder / "README.md", (source / CARD).read_text())
    write_digests(folder / DIGESTS, {name: folder / name for name in FILES})


def write_digests(path: str | os.PathLike[str], files: Mapping[str, str | os.PathLike[str]]) -> None:
    """Write a line per file, sorted: its SHA-256 and its name beside `path`."""
    write_text(path, "".join(f"{sha256_of(file)}  {name}\n" for name, file in sorted(files.items())))


def check_digests(folder: Path, names: Sequence[str]) -> None:
    """Raises DamagedModel unless these files of a folder are those of its digests; without digests nothing is
    checked."""
    path = folder / DIGESTS
    if not path.exists():
        return
    digests = listed_digests(folder)
    for name in names:
        if name not in digests:
            raise DamagedModel(f"{path} names no {name}: copy the folder again")
        if sha256_of(folder / name) != digests[name]:
            raise DamagedModel(
                f"{folder / name} differs from its SHA-256 in {path}: copy the folder again; if you changed the file, "
                f"remove {DIGESTS}"
            )


def fetched(name: str, revision: str | None = None) -> str:
    """Folder of a model on the hub (user/model, at a revision), through huggingface_hub and its cache.

    Raises ModuleNotFoundError with what to do where that package isn't installed.
    """
    try:
        from huggingface_hub import snapshot_download
    except ImportError as error:
        raise ModuleNotFoundError(
            f"{name} is not a folder here; to take it from the hub, install huggingface_hub"
        ) from error
    return snapshot_download(name, revision=revision, allow_patterns=["model.safetensors", "config.json", DIGESTS])


if __name__ == "__main__":
    export(*sys.argv[1:3])
