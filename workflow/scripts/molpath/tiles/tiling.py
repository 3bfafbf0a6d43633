"""Patch coordinates of every slide of a shard."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from ..common.digests import digest_of
from ..common.files import fingerprint, new_h5, remove_leftovers
from ..common.given_h5 import Unusable
from ..common.manifests import accepted, check_same_slides, file_facts, read_manifest, set_aside, write_manifest
from ..common.progress import Progress
from ..common.reasons import OK
from ..common.record import Record, check_intact, is_current
from ..common.settings.tiles import Grid
from ..common.stamps import row_of_stamp, stamp_h5
from ..tissue.classes import CLASSES
from .given import coords_name, take_given
from .grid import (
    TRIDENT,
    class_shares,
    edges_level0,
    is_like_trident,
    lay_grid,
    nominal_magnification,
    target_mpp,
)
from .tissue_shares import tissue_shares

log = logging.getLogger(__name__)

#: A slide this much coarser than the grid is not enlarged: the border between nominal magnifications (0.6 at 20x).
COARSEST = 1.2
#: Classes of quality/<slide>.png by which a grid can drop patches, in the order of their codes.
DROPPABLE = [name for name in CLASSES if name not in ("background", "tissue")]
DROPPED = tuple(f"n_dropped_{name}" for name in DROPPABLE)
COLUMNS = ("n_patches", "n_tissue_patches", "n_dropped_quality", *DROPPED, "file", "bytes", "fingerprint")


def tile_shard(
    *,
    inspected: str,
    assessed: str,
    manifest: str,
    wsi: str,
    grid: Grid,
    code: str,
    accept_other_code: bool = False,
    log_path: str | None = None,
) -> None:
    """Write one coordinate file per slide under `wsi` and the shard's manifest.

    inspected, assessed: manifests of the stages slides and tissue; grid: the config's entry with `name`.
    """
    rows, inspected_rows = read_manifest(assessed), read_manifest(inspected)
    check_same_slides(rows, assessed, inspected_rows, inspected)
    progress = Progress(log_path, "tiles", len(rows))
    folder, record = Path(wsi) / grid["name"] / "patches", Record(Path(manifest).stem)
    remove_leftovers(folder, {coords_name(row["slide_id"]) for row in rows})
    results = []
    for inspected_row, row in zip(inspected_rows, rows, strict=True):
        results.append(tile_slide(inspected_row, row, Path(wsi), grid, record, code, accept_other_code))
        progress.step(aside=results[-1]["reason"] if row["status"] == OK else "")
    record.close([folder])
    write_manifest(manifest, results, COLUMNS)


def tile_slide(
    inspected: Mapping[str, str],
    row: Mapping[str, str],
    wsi: Path,
    grid: Grid,
    record: Record,
    code: str,
    accept_other_code: bool,
) -> dict[str, Any]:
    """Manifest row of one slide; `inspected` and `row` are its rows in the manifests of slides and tissue."""
    slide_id = row["slide_id"]
    if row["status"] != OK:
        return set_aside(slide_id, row["reason"], row["detail"])
    if is_too_coarse(inspected, grid):
        detail = f"scanned at {float(inspected['mpp']):g} micrometres per pixel, the grid needs {target_mpp(grid):g}"
        return set_aside(slide_id, "low_resolution", detail)
    path = wsi / grid["name"] / "patches" / coords_name(slide_id)
    coords_file = Path(grid["coords"]) / coords_name(slide_id) if grid.get("coords") else None
    if coords_file and not coords_file.exists():
        return set_aside(slide_id, "no_coords", f"no file {coords_file.name} in {grid['coords']}")
    try:
        counts = _write_patches(path, inspected, row, wsi, grid, coords_file, record, code, accept_other_code)
    except (Unusable, PermissionError, IsADirectoryError) as error:
        if not coords_file:
            raise
        log.warning("%s set aside (bad_coords): %s: %s", slide_id, coords_file, error)
        return set_aside(slide_id, "bad_coords", f"{coords_file}: {error}")
    if not counts["n_patches"]:
        detail = f"{counts['n_tissue_patches']} patches hold tissue, {counts['n_dropped_quality']} of them dropped"
        return set_aside(slide_id, "no_patches", detail, **counts)
    return accepted(slide_id, **counts, **file_facts(path, wsi, record.row(path)))


def is_too_coarse(inspected: Mapping[str, str], grid: Grid) -> bool:
    """True for a slide that would have to be enlarged; on a grid like TRIDENT's by nominal magnifications."""
    if is_like_trident(grid):
        return nominal_magnification(grid, inspected) < grid["magnification"]
    return float(inspected["mpp"]) >= COARSEST * target_mpp(grid)


def _write_patches(
    path: Path,
    inspected: Mapping[str, str],
    row: Mapping[str, str],
    wsi: Path,
    grid: Grid,
    coords_file: Path | None,
    record: Record,
    code: str,
    accept_other_code: bool,
) -> dict[str, Any]:
    """Write a slide's coordinate file unless it is there, and return its counts."""
    inputs = inputs_of(inspected, row, grid, coords_file)
    if is_current(path, record, inputs, code, accept_other_code):
        return row_of_stamp(path)
    for name in () if coords_file else ("contours", "quality"):
        check_intact(wsi / row[name], row[f"{name}_fingerprint"], record, "assess_tissue")
    patches = (
        take_given(coords_file, inspected, grid, row["slide_id"])
        if coords_file
        else choose_patches(inspected, wsi, row, grid)
    )
    coords, attributes, counts = patches
    if is_like_trident(grid):
        attributes["like"] = TRIDENT  # how the patches are to be read
    write_coords(path, coords, attributes, {"inputs": inputs, "code": code, "row": counts}, record)
    return counts


def inputs_of(inspected: Mapping[str, str], row: Mapping[str, str], grid: Grid, coords_file: Path | None) -> str:
    """Digest of what a coordinate file is made from: the slide's size and scale, masks and grid, or the given file."""
    size = {name: inspected[name] for name in ("width", "height", "mpp", "magnification")}
    if is_like_trident(grid):
        size["magnification"] = str(nominal_magnification(grid, inspected))
    settings = {key: value for key, value in grid.items() if key != "coords" and (key, value) != ("like", "")}
    made_from = [fingerprint(coords_file)] if coords_file else [row["contours_fingerprint"], row["quality_fingerprint"]]
    return digest_of(size, *made_from, settings)


def choose_patches(
    inspected: Mapping[str, str], wsi: Path, row: Mapping[str, str], grid: Grid
) -> tuple[np.ndarray, dict[str, Any], dict[str, int]]:
    """Coordinates (int64 N x 2, level-0 pixels), TRIDENT's attributes, and counts of one slide."""
    width, height, magnification = (
        int(inspected["width"]),
        int(inspected["height"]),
        nominal_magnification(grid, inspected),
    )
    edge, step = edges_level0(grid, float(inspected["mpp"]), magnification)
    document = json.loads((wsi / row["contours"]).read_text())
    polygons = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in document["features"]]
    corners = lay_grid(width, height, edge, step)
    shares = tissue_shares(corners, edge, polygons)
    has_tissue = ~np.isnan(shares) if grid["min_tissue"] == 0 else np.nan_to_num(shares) >= grid["min_tissue"]
    corners = corners[has_tissue]
    classes = read_classes(wsi / row["quality"])
    scale = width / classes.shape[1], height / classes.shape[0]
    by_class = [class_shares(corners, edge, classes, scale, [CLASSES[name]]) for name in grid["drop"]]
    dropped = np.array(by_class).reshape(len(by_class), len(corners))
    bad = dropped.sum(0) > grid["max_dropped_fraction"]
    counts = {"n_patches": int((~bad).sum()), "n_tissue_patches": len(corners), "n_dropped_quality": int(bad.sum())}
    counts |= count_dropped(dropped[:, bad], grid["drop"])
    attributes = {
        "patch_size": grid["patch_size"],
        "patch_size_level0": stated_edge(grid, edge, magnification),
        "level0_magnification": magnification,
        "target_magnification": as_integer(round(10 / grid["mpp"], 4) if grid["mpp"] else grid["magnification"]),
        "overlap": grid["overlap"],
        "name": row["slide_id"],
        "level0_width": width,
        "level0_height": height,
    }
    return corners[~bad], attributes, counts


def stated_edge(grid: Grid, edge: int, magnification: int) -> int:
    """Attribute `patch_size_level0`: the edge in level-0 pixels, which TRIDENT rounds down only here."""
    return int(grid["patch_size"] * magnification // grid["magnification"]) if is_like_trident(grid) else edge


def count_dropped(shares: np.ndarray, names: Sequence[str]) -> dict[str, int]:
    """Dropped patches by the class that covers most of them (the first named of equals); `shares`: classes x patches.

    The counts add up to the patches.
    """
    main = shares.argmax(0) if names else np.zeros(0)
    return dict.fromkeys(DROPPED, 0) | {f"n_dropped_{name}": int((main == i).sum()) for i, name in enumerate(names)}


def as_integer(value: float) -> int | float:
    """20.0 as 20: TRIDENT writes whole magnifications as integers."""
    return int(value) if float(value).is_integer() else value


def read_classes(path: Path) -> np.ndarray:
    """Class codes (uint8 height x width) of a slide's quality map."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image)


def write_coords(
    path: Path, coords: np.ndarray, attributes: Mapping[str, Any], stamp: dict[str, Any], record: Record
) -> None:
    """One coordinate file in TRIDENT's layout, without its absolute path."""
    with new_h5(path, record.writing) as handle:
        dataset = handle.create_dataset("coords", data=coords.reshape(-1, 2).astype(np.int64))
        for name, value in attributes.items():
            dataset.attrs[name] = value
        stamp_h5(handle, stamp)
