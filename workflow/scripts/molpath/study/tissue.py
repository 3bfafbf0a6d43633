"""Tissue segmentation: which method, the files it needs, the environment it runs in."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from .config import Config, Places, Row, Wildcards
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
        paths = map(self.contours_of, self.slides.values(wildcards.shard))
        return [self.places.given(path) for path in paths if path and not has_braces(path)]

    def contours_of(self, row: Row) -> str:
        """The given polygons of a slide, '' if there are none. As tissue.given.find_contours finds them."""
        names = (f"{name}.geojson" for name in (row["slide_id"], Path(row["path"]).stem.removesuffix(".ome")))
        name = next((name for name in names if name in self._contour_files), "")
        return f"{self.places.find(self.section['contours'])}/{name}" if name else ""

    @functools.cached_property
    def _contour_files(self) -> frozenset[str]:
        """Names in the folder of given polygons, listed once: network storage is slow to ask for each."""
        folder = self.places.find(self.section["contours"])
        return frozenset(os.listdir(folder)) if os.path.isdir(folder) else frozenset()

    def shared_contours(self) -> dict[str, list[str]]:
        """Files of polygons that several slides would take, with the slides' ids: scans of one name in two folders."""
        slides_of: dict[str, list[str]] = {}
        for row in map(self.slides.values_of, self.slides.rows):
            if row["keep"] != "no" and (path := self.contours_of(row)):
                slides_of.setdefault(path, []).append(row["slide_id"])
        return {path: slides for path, slides in slides_of.items() if len(slides) > 1}

    @property
    def settings(self) -> Config:
        """Section tissue, its files and folders where they were found."""
        artefacts = self.section["artefacts"]
        artefacts = artefacts | {"weights": self.places.find_given(artefacts["weights"])}
        given_paths = {key: self.places.find_given(self.section[key]) for key in ("weights", "contours")}
        return self.section | given_paths | {"artefacts": artefacts}
