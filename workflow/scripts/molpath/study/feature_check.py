"""The smoke test of an encoder: one slide, compared with features that the user already has (features/compare)."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .config import Config, Places
from .encoders import Encoders
from .grids import Grids
from .problems import Problems
from .slides import Slides


class FeatureCheck:
    """What `snakemake compare_features` reads; nothing where the config names no slide."""

    def __init__(self, config: Config, places: Places, slides: Slides, grids: Grids, encoders: Encoders) -> None:
        self.settings: Config = config["features"]["compare"]
        self.places, self.slides, self.grids, self.encoders = places, slides, grids, encoders
        self.wildcards: Any = SimpleNamespace(slide=self.settings["slide"], encoder=self.settings["encoder"])

    def check(self, problems: Problems) -> None:
        """All four keys are there, or none, and name what there is."""
        if not any(self.settings.values()):
            return
        location = "config, key features/compare"
        known_names = {"slide": list(self.slides.shard_of), "grid": list(self.grids.names)}
        known_names |= {"encoder": list(self.encoders.entries)}
        for kind, names in known_names.items():
            problems.knows(f"{location}/{kind}", kind, self.settings[kind], names)
        entry = self.encoders.entries.get(self.settings["encoder"])
        if entry and entry["adapter"] == "precomputed":
            problems.add(f"{location}/encoder", "it reads features and makes none", "name an encoder that encodes")
        if not Path(self.places.find(self.settings["file"])).exists() or not self.settings["file"]:
            wrong = f"no such file: {self.settings['file']!r}"
            problems.add(f"{location}/file", wrong, "name your file of features of the slide")

    def inspected(self) -> list[str]:
        """Manifest of the slide's shard."""
        return [self.slides.inspected(self.wildcards)] if self.settings["slide"] else []

    def weights(self) -> list[str]:
        """What the encoder is made of."""
        return self.encoders.weights(self.wildcards) if self.settings["slide"] else []

    def given(self) -> list[str]:
        """The user's file."""
        return [self.places.given(self.places.find(self.settings["file"]))] if self.settings["slide"] else []

    def request(self) -> Config:
        """Slide, its path, grid and encoder."""
        if not self.settings["slide"]:
            return {"slide": ""}
        return {
            "slide": self.settings["slide"],
            "path": self.slides.slide_path(self.wildcards),
            "grid": self.grids.by_name[self.grids.names[self.settings["grid"]]],
            "encoder": self.encoders.encoder(self.wildcards),
        }
