"""An entry of tiles/grids in the config."""

from __future__ import annotations

from typing import TypedDict


class Grid(TypedDict):
    """One grid. The rules add `name`, its folder under results (20x_512px_0px_overlap)."""

    name: str
    magnification: float
    mpp: float | None
    scale: str
    like: str
    patch_size: int
    overlap: int
    min_tissue: float
    drop: list[str]
    max_dropped_fraction: float
    coords: str
    label: str
