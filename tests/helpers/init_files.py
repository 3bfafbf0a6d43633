"""What users of `molpath init` have: folders of slides and features, tables of labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np
import yaml
from molpath.common.files import read_tsv
from molpath.init.command import main

TRIDENT = {"patch_size": 512, "target_magnification": 20, "overlap": 0}


def slide_files(folder: Path, names: Iterable[str]) -> Path:
    """Empty files: `init` looks at names alone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def features_of(
    folder: Path,
    values: Mapping[str, np.ndarray],
    attributes: Mapping[str, object] = TRIDENT,
    dataset: str = "features",
) -> Path:
    """A file for each slide in the layout of TRIDENT, or of CLAM without `attributes`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in values.items():
        with h5py.File(folder / f"{name}.h5", "w") as handle:
            handle[dataset] = array
            handle["coords"] = np.arange(2 * len(array)).reshape(-1, 2) * 512
            handle["coords"].attrs.update(attributes)
    return folder


def few(names: Iterable[str]) -> dict[str, np.ndarray]:
    """Features of two patches for each slide."""
    return {name: np.ones((2, 4), np.float32) for name in names}


def labels_of(path: Path, header: str, rows: Sequence[str], *, end: str = "\n", bom: bool = False) -> Path:
    """A table as text."""
    path.write_bytes(("\ufeff" * bom + end.join([header, *rows]) + end).encode())
    return path


class Result:
    """A study that was set up: what the command printed, and what it wrote."""

    def __init__(self, folder: Path, code: int, out: str, err: str):
        self.folder, self.code, self.out, self.err = folder, code, out, err

    @property
    def config(self) -> dict:
        """config/config.yaml."""
        return yaml.safe_load((self.folder / "config/config.yaml").read_text())

    @property
    def sheet(self) -> dict[str, dict[str, str]]:
        """Rows of the slide sheet by slide_id."""
        return {row["slide_id"]: row for row in read_tsv(self.folder / "config/slides.tsv").to_dict("records")}

    def task(self, name: str) -> tuple[dict, list[dict[str, str]]]:
        """Settings and rows of a task."""
        folder = next((self.folder / "config/tasks").glob(f"*/{name}"))
        return yaml.safe_load((folder / "config.yaml").read_text()), read_tsv(folder / "k=all.tsv").to_dict("records")


def set_up(folder: Path, capsys, *arguments: object) -> Result:
    """Call `molpath init` as its launcher does."""
    capsys.readouterr()
    code = main(["init", str(folder), *map(str, arguments)])
    captured = capsys.readouterr()
    return Result(folder, code, captured.out, captured.err)
