"""Features another tool made, read where they lie (TRIDENT, CLAM, STAMP); nothing is written into their folder."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.files import fingerprint, open_h5
from ..common.manifests import OK, accepted, set_aside
from ..common.settings.tiles import Grid
from .layouts import MPP_TOLERANCE, Layout, UnknownLayout, layout_of

log = logging.getLogger(__name__)


def find_features(
    tiles: Sequence[Mapping[str, str]], folder: str | os.PathLike, wsi: str | os.PathLike, grid: Grid
) -> list[dict[str, Any]]:
    """Manifest rows for the slides of `tiles` from `<slide>.h5` in `folder`, in its h5_files (CLAM), or below (STAMP).

    `file` is relative to `wsi` where the folder was given relatively, else absolute. Raises ValueError if a file
    says it was made on another grid, or two files below have one name: mistakes in the config, not bad slides.
    """
    rows: list[dict[str, Any]] = []
    layouts: Counter[tuple[str, bool]] = Counter()
    places = _places(Path(folder), {row["slide_id"] for row in tiles if row["status"] == OK})
    for row in tiles:
        slide_id = row["slide_id"]
        if row["status"] != OK:
            rows.append(set_aside(slide_id, row["reason"], row["detail"]))
        elif slide_id not in places:
            rows.append(set_aside(slide_id, "no_features", f"no file {slide_id}.h5 in {folder}"))
        else:
            rows.append(_row(slide_id, places[slide_id], wsi, grid, layouts))
    for (tool, known), count in sorted(layouts.items()):
        log.info("%d files in the layout of %s%s", count, tool, "" if known else "; they don't say on which grid")
    return rows


def _places(folder: Path, wanted: set[str]) -> dict[str, Path]:
    """Slide id -> file: beside each other, as TRIDENT and CLAM have them, else anywhere below, as STAMP does."""
    near = folder / "h5_files" if (folder / "h5_files").is_dir() else folder
    found = {name: near / f"{name}.h5" for name in wanted if (near / f"{name}.h5").exists()}
    if len(found) == len(wanted):
        return found
    for path in sorted(near.rglob("*.h5")):
        name = path.stem
        if name not in wanted or path.parent == near:
            continue
        if name in found:
            raise ValueError(f"two files of slide {name}: {found[name]} and {path}; name the folder of one of them")
        found[name] = path
    return found


def _row(slide_id: str, path: Path, wsi: str | os.PathLike, grid: Grid, layouts: Counter) -> dict[str, Any]:
    try:
        with open_h5(path) as handle:
            layout = layout_of(handle)
    except (OSError, KeyError) as error:
        return set_aside(slide_id, "unreadable", f"{path}: {error}")
    except UnknownLayout as error:
        return set_aside(slide_id, "no_features", f"{path}: {error}")
    _check_grid(path, layout, grid)
    layouts[layout.tool, layout.patch_size is not None] += 1
    name = path if path.is_absolute() else os.path.relpath(path, wsi)
    facts = {"file": str(name), "bytes": path.stat().st_size, "fingerprint": fingerprint(path)}
    return accepted(slide_id, n_patches=layout.count, dim=layout.dim, **facts)


def _check_grid(path: Path, layout: Layout, grid: Grid) -> None:
    wanted = grid.get("mpp") or 10 / grid["magnification"]
    said = {
        "patch_size": (layout.patch_size, grid["patch_size"], 0),
        "target_magnification": (layout.magnification, grid["magnification"], 0),
        "micrometres per pixel": (layout.mpp, wanted, MPP_TOLERANCE),
    }
    for key, (value, config, tolerance) in said.items():
        if value is not None and abs(value - config) > tolerance * config:
            raise ValueError(f"{path} was made with {key} {value:g}, the grid of the config has {config:g}")
