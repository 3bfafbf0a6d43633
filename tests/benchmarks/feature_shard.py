"""What the stages before features leave of a shard: manifests and coordinates, for tests and benchmarks."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from molpath.common.manifests import accepted, write_manifest
from molpath.common.record import Record
from molpath.features.geometry import Geometry
from molpath.tiles.given import coords_name
from molpath.tiles.tiling import write_coords

GRID = {"name": "20x_512px_0px_overlap", "patch_size": 512, "magnification": 20}
GEOMETRY = Geometry(512, 1024, 0.5)  # 20x from 40x


def lay_out(folder: Path, slides: Mapping[str, str], coords: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Write manifests and coordinates of `slides` (id -> path; level 0 at 40x) below `folder`.

    coords: id -> int N x 2, corners of 1024 level-0 pixels. Returns the arguments of `extract_shard` that say where
    things are and on which grid; `encoder`, `threads` and the like are the caller's.
    """
    wsi, stamp = folder / "wsi", {"inputs": "0" * 16, "code": "0"}
    attributes = {"patch_size": GEOMETRY.size, "patch_size_level0": GEOMETRY.size_level0, "target_magnification": 20}
    rows, record = [], Record("tiles")
    for slide_id in slides:
        path = wsi / GRID["name"] / "patches" / coords_name(slide_id)
        write_coords(path, coords[slide_id], attributes | {"overlap": 0, "name": slide_id}, stamp, record)
        rows.append(accepted(slide_id, file=path.relative_to(wsi).as_posix(), identity=f"identity of {slide_id}"))
    write_manifest(folder / "tiles.tsv", rows, ["file"])
    write_manifest(folder / "inspected.tsv", rows, ["identity"])
    places = {"tiles": folder / "tiles.tsv", "inspected": folder / "inspected.tsv", "manifest": folder / "features.tsv"}
    return {name: str(path) for name, path in (places | {"wsi": wsi}).items()} | {
        "slides": dict(slides),
        "grid": GRID,
        "code": "0",
    }


def feature_files(folder: Path, encoder: str) -> dict[str, bytes]:
    """Every file in the folder of features, also what a killed job left, by name."""
    files = {}
    for path in (folder / "wsi" / GRID["name"] / f"features_{encoder}").glob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # it got its name this moment; records
            files[path.name] = path.read_bytes()
    return files
