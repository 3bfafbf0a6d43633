"""The folder of a pretrained model, wherever it lies: how slides must be cut and encoded before it embeds them."""

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

#: Where the folders of models lie below what people name instead: a study, its results, one of its stages.
BELOW = ("", "*", "runs/*", "pretrain/runs/*", "results/pretrain/runs/*")
#: A grid as config.json names it: scale, edge of a patch and overlap, without the label.
GRID = re.compile(r"([0-9.]+)(x|mpp)_(\d+)px_(\d+)px")
#: Keys of an encoder's entry that decide its features, by the name that config.json has for them.
FEATURE_KEYS = ("tokens", "input_size", "crops", "decode", "mean", "std", "options", "revision")


@dataclass(frozen=True)
class Pretrained:
    """A model's folder. name: of its run; encoder: what an entry of features/encoders is called so that its features
    are the model's; dim: numbers of a patch that it takes."""

    folder: str
    name: str
    encoder: str
    dim: int
    run: FinishedRun

    @property
    def grid(self) -> Config:
        """The entry of tiles/grids whose patches the model was trained on; only what is no default."""
        cut = self.run.patches.get("cut") or {}
        defaults = defaults_of("grid")
        own = {key: cut[key] for key in CUT if key in cut and cut[key] != defaults[key]}
        return self.scale | own

    @property
    def scale(self) -> Config:
        """Of that entry what says how large patches are, and how far apart."""
        match = GRID.fullmatch(str(self.run.patches.get("grid")))
        if not match:
            raise Refusal(f"{self.run.files[0]} names no grid: {self.run.patches.get('grid')!r}; {AGAIN}")
        scale = {"magnification": _plain(match[1])} if match[2] == "x" else {"mpp": _plain(match[1])}
        return scale | {"patch_size": int(match[3]), "overlap": int(match[4])}

    @property
    def grid_name(self) -> str:
        """Its folder, as TRIDENT and results call it."""
        return name_of_grid(defaults_of("grid") | self.scale)

    @property
    def reads_given(self) -> bool:
        """True if another tool made its features, so that no slide can be encoded for it here."""
        adapter = self.run.patches["adapter"]
        return ":" not in adapter and adapter not in adapters()

    @property
    def entry(self) -> Config:
        """The entry of features/encoders that encodes slides as the model's were; only what is no default."""
        patches = self.run.patches
        adapter = str(patches["adapter"])
        usual = patches_of(self.grid_name, self.encoder, adapters().get(adapter, {}) | EMPTY | {"adapter": adapter})
        own = {key: patches[key] for key in FEATURE_KEYS if patches.get(key) != usual[key] and patches.get(key)}
        stain = {"stain": {"method": patches["stain"]}} if patches.get("stain") else {}
        return {"adapter": adapter} | own | stain

    @property
    def unsaid(self) -> list[str]:
        """What the folder does not say, or hold, and a study has to be given."""
        found = []
        if "cut" not in self.run.patches:
            found.append(
                "the model was trained by an earlier version, which did not note how its grid chose patches (like, "
                "min_tissue, drop): the defaults stand for it"
            )
        if self.entry.get("stain", {}).get("method") == "reinhard":
            found.append("patches are stained like an image that the folder does not hold: name it as stain/target")
        return found

    def trained_on(self, cases: list[str]) -> list[str]:
        """Those of the cases that the model was trained on."""
        return [case for case in dict.fromkeys(cases) if self.run.trains_on(case)]

    def check_features(self, where: str, grid: str = "", encoder: str = "", dim: int = 0) -> None:
        """Raise Refusal where features of another grid, encoder or width are offered; what isn't known is '' or 0."""
        for wrong, theirs, needed in (
            (not same_scale(grid, self.grid_name), f"patches of grid {grid}", f"grid {self.grid_name}"),
            (bool(encoder) and encoder != self.encoder, f"features of {encoder}", f"those of {self.encoder}"),
            (bool(dim) and dim != self.dim, f"{dim} numbers per patch", f"{self.dim} ({self.encoder})"),
        ):
            if wrong:
                raise Refusal(f"{where} has {theirs}, and model {self.name} reads {needed}: name a folder with those")


AGAIN = "take the whole folder of a run (results/pretrain/runs/<run>)"
#: Of `Encoders.facts_of`, what an entry that names an adapter alone has.
EMPTY: dict[str, Any] = {"stain": {"method": ""}, "decode": "exact", "mean": [], "std": [], "options": {}, "crops": 1}


def read_pretrained(named: str) -> Pretrained:
    """The model in a folder; raises Refusal where there is none, or it is not whole."""
    folder = find_folder(named)
    run = FinishedRun(folder, "")
    if fault := run.fault():
        raise Refusal(f"{fault[0]}: {fault[1]}")
    said = run.description.get("run", {})
    adapter, dim = str(run.patches["adapter"]), run.description.get("slide_encoder", {}).get("input", 0)
    # Features that are given are known by their entry's name alone, and so an entry is called like the adapter.
    encoder = str(run.description.get("encoder", "encoder")) if ":" in adapter else adapter
    return Pretrained(folder, str(said.get("name") or "model"), encoder, int(dim), run)


def find_folder(named: str) -> str:
    """The folder with the model's files, where it or something around it is named."""
    path = Path(named)
    if path.is_file():
        path = path.parent
    if not path.is_dir():
        hub = named.count("/") == 1 and not named.startswith((".", "/", "~"))
        get = f"; if it is one of the hub: hf download {named} --local-dir {named.rsplit('/', 1)[-1]}" if hub else ""
        raise Refusal(f"no folder {named}: name a model's folder, results/pretrain/runs/<run> of a study{get}")
    for below in BELOW:
        found = sorted(path.glob(f"{below}/{WEIGHTS}")) if below else [path / WEIGHTS] * (path / WEIGHTS).is_file()
        if len(found) > 1:
            raise Refusal(f"{named} holds {len(found)} models: name one ({some(str(one.parent) for one in found)})")
        if found:
            return os.path.abspath(found[0].parent)
    raise Refusal(f"{named} holds no {WEIGHTS}: name a model's folder, results/pretrain/runs/<run> of a study")


def same_scale(one: str, other: str) -> bool:
    """True unless two grids, by their names, differ in scale, patch size or overlap: 20x is 0.5 micrometres a pixel."""
    found = [GRID.match(name) for name in (one, other)]
    if None in found:
        return True
    told = [(float(m[1]) if m[2] == "x" else 10 / float(m[1]), int(m[3]), int(m[4])) for m in found if m]
    return told[0] == told[1]


def adapters() -> dict[str, Config]:
    """What is known of each built-in encoder."""
    table: dict[str, Config] = shipped_yaml(shipped_in_checkout("scripts/molpath/features/encoders.yaml"))["encoders"]
    return table


def _plain(number: str) -> int | float:
    """20 of '20', 0.5 of '0.5'."""
    value = float(number)
    return int(value) if value.is_integer() else value
