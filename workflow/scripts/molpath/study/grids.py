"""Grids of patches: their names, as folders are called, and coordinates that another tool made."""

from __future__ import annotations

import os

from ..common.digests import digest_of
from ..common.feature_files import state_of
from .config import Config, Places, Wildcards
from .slides import Slides


def name_of_grid(grid: Config) -> str:
    """TRIDENT's name of a grid, with the optional label: 20x_512px_0px_overlap-strict."""
    scale = f"{grid['mpp']:g}mpp" if grid["mpp"] else f"{grid['magnification']:g}x"
    name = f"{scale}_{grid['patch_size']}px_{grid['overlap']}px_overlap"
    return f"{name}-{grid['label']}" if grid["label"] else name


class Grids:
    """The grids of section tiles."""

    def __init__(self, config: Config, places: Places, slides: Slides) -> None:
        self.places, self.slides = places, slides
        #: Entry of the config by its key there.
        self.entries: dict[str, Config] = config["tiles"]["grids"]
        #: Folder name by key.
        self.names = {key: name_of_grid(grid) for key, grid in self.entries.items()}
        #: Entry by folder name, with the name and the folder of given coordinates.
        self.by_name: dict[str, Config] = {
            self.names[key]: grid | {"name": self.names[key], "coords": places.find_given(grid["coords"])}
            for key, grid in self.entries.items()
        }

    def grid(self, wildcards: Wildcards) -> Config:
        """The grid whose folder name is the wildcard."""
        return self.by_name[wildcards.grid]

    def given_coords(self, wildcards: Wildcards) -> list[str]:
        """Coordinate files of another tool for the slides of a shard, where the grid names their folder."""
        folder = self.grid(wildcards)["coords"]
        paths = [f"{folder}/{row['slide_id']}_patches.h5" for row in self.slides.values(wildcards.shard)]
        return [self.places.given(path) for path in paths if folder and os.path.isfile(path)]

    def given_state(self, wildcards: Wildcards) -> str:
        """Digest of their sizes and times: a file replaced by an older one changes it, and so the job runs again."""
        return digest_of([[str(path), state_of(path)] for path in self.given_coords(wildcards)])
