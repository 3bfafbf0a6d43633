"""Patches that can't be read are dropped or set to white, up to a share; above it the slide is set aside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..common.files import open_h5
from ..common.slide_parts import state_of

DROP, WHITE = "drop", "white"


@dataclass(frozen=True)
class Damage:
    """Patches of a slide that could not be read: `coords` (int64 M x 2), out of how many, what was done `instead` of
    reading them (DROP or WHITE), and the state of the slide's files then (`slide_parts.state_of`)."""

    coords: np.ndarray
    patches: int
    instead: str
    slide: str = ""

    def columns(self) -> dict[str, Any]:
        """Cells of the manifest: how many, and where (level-0 pixels, x,y)."""
        return {"n_damaged": len(self.coords), "damaged": " ".join(f"{x},{y}" for x, y in self.coords.tolist())}


@dataclass(frozen=True)
class Tolerance:
    """Keys of section features: the largest share of damaged patches, and what is done instead of reading them."""

    most: float = 0.1
    instead: str = DROP

    def damage(self, coords: np.ndarray, damaged: np.ndarray | None, slide: str = "") -> Damage:
        """The damage of a slide with patches at `coords` (int64 N x 2), of which some are `damaged` (bool N)."""
        no_damage = np.zeros(len(coords), bool)
        return Damage(coords[no_damage if damaged is None else damaged], len(coords), self.instead, slide)

    def judge(self, damaged: np.ndarray) -> tuple[str, str] | None:
        """Reason and detail of a slide of which too many patches are `damaged` (bool N); None for the others."""
        count, total = int(damaged.sum()), len(damaged)
        if count == total:
            return "unreadable", f"none of its {total} patches can be read"
        if count <= self.most * total:
            return None
        limit = f"at most {self.most:.4g} of them may be damaged (features: max_damaged_fraction)"
        return "damaged", f"{count} of its {total} patches can't be read, and {limit}"

    def kept(self, damaged: np.ndarray | None) -> slice | np.ndarray:
        """Which patches of a slide go into its file, as an index."""
        return slice(None) if damaged is None or self.instead == WHITE or not damaged.any() else ~damaged

    def holds_for(self, path: str | os.PathLike[str], slide: str | os.PathLike[str]) -> bool:
        """True for a feature file that would be the same with this tolerance and the slide's present files.

        A slide's identity is that of some blocks of its file: a copy without the damage usually has the same.
        """
        damage = read_damage(path)
        if damage is None:
            return True
        allowed = damage.instead == self.instead and len(damage.coords) <= self.most * damage.patches
        return allowed and damage.slide == state_of(slide)


def write_damage(handle: Any, damage: Damage) -> None:
    """Dataset `damaged` of a feature file, where there is any damage."""
    if len(damage.coords):
        stored = handle.create_dataset("damaged", data=damage.coords)
        stored.attrs["patches"], stored.attrs["instead"] = damage.patches, damage.instead
        stored.attrs["slide"] = damage.slide


def read_damage(path: str | os.PathLike[str]) -> Damage | None:
    """The damage recorded in a feature file; None if all patches could be read."""
    with open_h5(path) as handle:
        if "damaged" not in handle:
            return None
        dataset = handle["damaged"]
        attributes = dataset.attrs
        return Damage(
            dataset[:], int(attributes["patches"]), str(attributes["instead"]), str(attributes.get("slide", ""))
        )
