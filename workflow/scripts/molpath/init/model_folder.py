"""The folder of a pretrained model: how slides must be cut into patches and encoded for it."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..study.config import Config, defaults_of, shipped_in_checkout, shipped_yaml
from ..study.finished_runs import CUT, WEIGHTS, FinishedRun, patches_of
from ..study.grids import name_of_grid
from .draft import Refusal, some

#: Paths of model folders below other folders that users name: a study, its results, one of its stages.
BELOW = ("", "*", "runs/*", "pretrain/runs/*", "results/pretrain/runs/*")
#: A grid as config.json names it: scale, edge of a patch and overlap, without the label.
GRID = re.compile(r"([0-9.]+)(x|mpp)_(\d+)px_(\d+)px")
#: Keys of an encoder's entry that determine its features, as named in config.json.
FEATURE_KEYS = ("tokens", "input_size", "crops", "decode", "mean", "std", "options", "revision")


@dataclass(frozen=True)
class Pretrained:
    """A model's folder. name: of its run; encoder: the name of an entry of features/encoders whose features
    are its own; dim: numbers per patch."""

    folder: str
    name: str
    encoder: str
    dim: int
    run: FinishedRun

    @property
    def grid(self) -> Config:
        """The entry of tiles/grids whose patches the model was trained on, without defaults."""
        cut = self.run.patches.get("cut") or {}
        defaults = defaults_of("grid")
        changed = {key: cut[key] for key in CUT if key in cut and cut[key] != defaults[key]}
        return self.scale | changed

    @property
    def scale(self) -> Config:
        """The part of that entry with size and distance of patches."""
        match = GRID.fullmatch(str(self.run.patches.get("grid")))
        if not match:
            raise Refusal(f"{self.run.files[0]} names no grid: {self.run.patches.get('grid')!r}; {AGAIN}")
        scale = {"magnification": _plain(match[1])} if match[2] == "x" else {"mpp": _plain(match[1])}
        return scale | {"patch_size": int(match[3]), "overlap": int(match[4])}

    @property
    def grid_name(self) -> str:
        """Name of the grid's folder, as in TRIDENT and in the results."""
        return name_of_grid(defaults_of("grid") | self.scale)

    @property
    def reads_given(self) -> bool:
        """True if another tool made its features, so that no slide can be encoded for it here."""
        adapter = self.run.patches["adapter"]
        return ":" not in adapter and adapter not in adapters()

    @property
    def entry(self) -> Config:
        """The entry of features/encoders that encodes slides as the model's were, without defaults."""
        patches = self.run.patches
        adapter = str(patches["adapter"])
        usual = patches_of(self.grid_name, self.encoder, adapters().get(adapter, {}) | EMPTY | {"adapter": adapter})
        changed = {key: patches[key] for key in FEATURE_KEYS if patches.get(key) != usual[key] and patches.get(key)}
        stain = {"stain": {"method": patches["stain"]}} if patches.get("stain") else {}
        return {"adapter": adapter} | changed | stain

    @property
    def unsaid(self) -> list[str]:
        """What the folder lacks and the study must provide."""
        missing = []
        if "cut" not in self.run.patches:
            missing.append(
                "the model was trained by an earlier version, which did not note how its grid chose patches (like, "
                "min_tissue, drop): the defaults are used"
            )
        if self.entry.get("stain", {}).get("method") == "reinhard":
            missing.append("patches are stained like an image that is not in the folder: name it as stain/target")
        return missing

    def trained_on(self, cases: list[str]) -> list[str]:
        """Those of the cases that the model was trained on."""
        return [case for case in dict.fromkeys(cases) if self.run.trains_on(case)]

    def check_features(self, source: str, grid: str = "", encoder: str = "", dim: int = 0) -> None:
        """Raise Refusal if given features have another grid, encoder or width; unknown ones are '' or 0."""
        for differs, offered, needed in (
            (not same_scale(grid, self.grid_name), f"patches of grid {grid}", f"grid {self.grid_name}"),
            (bool(encoder) and encoder != self.encoder, f"features of {encoder}", f"those of {self.encoder}"),
            (bool(dim) and dim != self.dim, f"{dim} numbers per patch", f"{self.dim} ({self.encoder})"),
        ):
            if differs:
                raise Refusal(f"{source} has {offered}, and model {self.name} reads {needed}: name a folder with those")


AGAIN = "take the whole folder of a run (results/pretrain/runs/<run>)"
#: `Encoders.facts_of` of an entry with an adapter only.
EMPTY: dict[str, Any] = {"stain": {"method": ""}, "decode": "exact", "mean": [], "std": [], "options": {}, "crops": 1}


def read_pretrained(path: str) -> Pretrained:
    """The model in a folder; raises Refusal if there is none, or it is incomplete."""
    folder = find_folder(path)
    run = FinishedRun(folder, "")
    if fault := run.fault():
        raise Refusal(f"{fault[0]}: {fault[1]}")
    run_entry = run.description.get("run", {})
    adapter, dim = str(run.patches["adapter"]), run.description.get("slide_encoder", {}).get("input", 0)
    # Given features are known only by their entry's name, so the entry is named like the adapter.
    encoder = str(run.description.get("encoder", "encoder")) if ":" in adapter else adapter
    return Pretrained(folder, str(run_entry.get("name") or "model"), encoder, int(dim), run)


def find_folder(text: str) -> str:
    """The folder with the model's files, from a path to it or to a folder above it."""
    path = Path(text)
    if path.is_file():
        path = path.parent
    if not path.is_dir():
        hub = text.count("/") == 1 and not text.startswith((".", "/", "~"))
        get = f"; if it is a model on the hub: hf download {text} --local-dir {text.rsplit('/', 1)[-1]}" if hub else ""
        raise Refusal(f"no folder {text}: name a model's folder, results/pretrain/runs/<run> of a study{get}")
    for pattern in BELOW:
        weights = (
            sorted(path.glob(f"{pattern}/{WEIGHTS}")) if pattern else [path / WEIGHTS] * (path / WEIGHTS).is_file()
        )
        if len(weights) > 1:
            raise Refusal(
                f"{text} holds {len(weights)} models: name one ({some(str(file.parent) for file in weights)})"
            )
        if weights:
            return os.path.abspath(weights[0].parent)
    raise Refusal(f"{text} holds no {WEIGHTS}: name a model's folder, results/pretrain/runs/<run> of a study")


def same_scale(first: str, second: str) -> bool:
    """True unless two grids, by their names, differ in scale, patch size or overlap (20x is 0.5 µm per pixel)."""
    matches = [GRID.match(name) for name in (first, second)]
    if None in matches:
        return True
    scales = [(float(m[1]) if m[2] == "x" else 10 / float(m[1]), int(m[3]), int(m[4])) for m in matches if m]
    return scales[0] == scales[1]


def adapters() -> dict[str, Config]:
    """Facts of each built-in encoder."""
    table: dict[str, Config] = shipped_yaml(shipped_in_checkout("scripts/molpath/features/encoders.yaml"))["encoders"]
    return table


def _plain(number: str) -> int | float:
    """20 of '20', 0.5 of '0.5'."""
    value = float(number)
    return int(value) if value.is_integer() else value
