"""Tissue segmentation: which method, the files it needs, the environment it runs in."""

from __future__ import annotations

import os
from pathlib import Path

from .config import Config, Places, Wildcards
from .slides import Slides, has_braces

#: Methods that are networks; their weights are the user's.
LEARNED_METHODS = ("fpn", "deeplab", "grandqc")


class Tissue:
    """Section tissue of the config."""

    def __init__(self, config: Config, places: Places, slides: Slides) -> None:
        self.places, self.slides = places, slides
        self.section: Config = config["tissue"]
        self._inspection: Config = config["slides"]
        # The networks' packages are heavy: only jobs that need them get an environment with them, and ask for a GPU.
        learned = bool(self.given_weights())
        self.family = "segmentation" if learned else "slides"
        self.gpus = int(learned)
        self.threads = 4 if learned else 1
        #: Minutes of a shard's job.
        self.minutes = 480 if learned else 120
        #: Seconds that a slide may take; networks on a CPU need minutes for a large one.
        self.deadline_s = self.section["deadline_s"] or self._inspection["deadline_s"] * (30 if learned else 1)
        #: Megabytes that a slide may take; no limit with networks, whose drivers reserve much.
        self.memory_mb = None if learned else self._inspection["memory_mb"]

    def given_weights(self) -> dict[str, Config]:
        """Config keys of the weights in use, with their entries: the method's own and the artefact model's."""
        used = {"tissue": self.section} if self.section["method"] in LEARNED_METHODS else {}
        artefacts = self.section["artefacts"]
        return used | ({"tissue/artefacts": artefacts} if artefacts["weights"] else {})

    @property
    def weights(self) -> list[str]:
        """Files of weights that assess_tissue opens."""
        return [self.places.given(self.places.find(entry["weights"])) for entry in self.given_weights().values()]

    def shard_contours(self, wildcards: Wildcards) -> list[str]:
        """Given polygons of a shard's slides, where the method takes them: by slide_id, else by the file's name."""
        if self.section["method"] != "contours":
            return []
        folder, contour_files = self.places.find(self.section["contours"]), []
        for row in self.slides.values(wildcards.shard):
            for name in (row["slide_id"], Path(row["path"]).stem.removesuffix(".ome")):
                if os.path.isfile(f"{folder}/{name}.geojson"):
                    contour_files.append(f"{folder}/{name}.geojson")
                    break
        return [self.places.given(path) for path in contour_files if not has_braces(path)]

    @property
    def settings(self) -> Config:
        """Section tissue, its files and folders where they were found."""
        artefacts = self.section["artefacts"]
        artefacts = artefacts | {"weights": self.places.find_given(artefacts["weights"])}
        given_paths = {key: self.places.find_given(self.section[key]) for key in ("weights", "contours")}
        return self.section | given_paths | {"artefacts": artefacts}
