"""By which settings slides become what a predictor reads: sections of a config that a bundle takes along, and their
digest, which the predictor holds.
"""

from __future__ import annotations

import copy

from ..common.digests import digest_of
from .config import Config
from .models import Models

#: Keys of entries that say where files of this machine lie, how it works, or what it permits: each machine has its own.
OF_MACHINES = {
    "tissue": ("weights", "contours", "deadline_s"),
    "grid": ("coords",),
    "encoder": ("weights", "folder", "batch_size", "workers"),
    "model": ("weights", "trust_remote_code"),
}
#: Key of the digest in what predictor.json says of patches.
SETTINGS = "settings"
#: Keys of section features that decide what becomes of damaged patches.
DAMAGE = ("damaged", "max_damaged_fraction")


class Preprocessing:
    """Sections of a study's config by which new slides become embeddings of a model; no path of this machine."""

    def __init__(self, config: Config, models: Models) -> None:
        self.config, self.models = config, models

    def sections(self, names: list[str]) -> Config:
        """What models of these names need."""
        models = {name: self._model(name) for name in names}
        sources = [self.source(name) for name in names]
        grids, encoders = self.models.grids.entries, self.models.encoders.entries
        features = {key: self.config["features"][key] for key in DAMAGE}
        runs = {model["run"]: self.models.runs[model["run"]] for model in models.values() if model.get("run")}
        return {
            "tissue": self._tissue(),
            "tiles": {"grids": {grid: without(grids[grid], "grid") for grid, _ in sources}},
            "features": features | {"encoders": {name: self._encoder(encoders[name]) for _, name in sources}},
            "embed": {"models": models},
        } | ({"pretrain": {"runs": copy.deepcopy(runs)}} if runs else {})

    def digest(self, name: str) -> str:
        """Digest (16 digits) of the settings of a model's slides, as that of a bundle's config.yaml."""
        return digest_in(self.sections([name]), name)

    def source(self, name: str) -> tuple[str, str]:
        """Grid and encoder of a model, by their keys in the config."""
        entry = self.models.entries[name]
        entry = self.models.runs[entry["run"]] if entry.get("run") else entry
        return entry["grid"], entry["encoder"]

    def _model(self, name: str) -> Config:
        """A model's entry: a trained one is the folder in the bundle."""
        entry = without(self.models.entries[name], "model")
        if entry["kind"] == "threads":
            grid, encoder = self.source(name)
            return {key: entry[key] for key in ("kind", "cases")} | {
                "path": f"models/{name}",
                "grid": grid,
                "encoder": encoder,
            }
        return entry

    def _encoder(self, entry: Config) -> Config:
        entry = without(entry, "encoder")
        return entry | {"stain": {key: value for key, value in entry["stain"].items() if key != "target"}}

    def _tissue(self) -> Config:
        section = without(self.config["tissue"], "tissue")
        artefacts = {key: value for key, value in section["artefacts"].items() if key != "weights"}
        return section | {"artefacts": artefacts}


def digest_in(sections: Config, name: str) -> str:
    """Digest (16 digits) of what sections, as `Preprocessing.sections` or a bundle has them, say of one model.

    Raises KeyError for sections without it.
    """
    entry = {key: value for key, value in sections["embed"]["models"][name].items() if key != "path"}
    run = sections["pretrain"]["runs"][entry["run"]] if entry.get("run") else {}
    grid, encoder = (run or entry)["grid"], (run or entry)["encoder"]
    read = {"grid": sections["tiles"]["grids"][grid], "encoder": sections["features"]["encoders"][encoder]}
    damage = {key: sections["features"][key] for key in DAMAGE}
    return digest_of(sections["tissue"], read, damage, without(entry, "model"), run)


def without(entry: Config, kind: str) -> Config:
    """An entry without the keys that each machine has of its own."""
    return {key: copy.deepcopy(value) for key, value in entry.items() if key not in OF_MACHINES[kind]}
