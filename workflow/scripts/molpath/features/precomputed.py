"""Features another tool made, read where they lie (TRIDENT's layout); nothing is written into their folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..common.files import fingerprint, open_h5
from ..common.manifests import OK, accepted, set_aside


def find_features(
    tiles: Sequence[Mapping[str, str]], folder: str | os.PathLike, wsi: str | os.PathLike, grid: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Manifest rows for the slides of `tiles` from `<folder>/<slide>.h5`.

    `file` is relative to `wsi` where the folder was given relatively, else absolute. Raises ValueError if a file
    says it was made on another grid: that is a mistake in the config, not a bad slide.
    """
    rows = []
    for row in tiles:
        path = Path(folder) / f"{row['slide_id']}.h5"
        if row["status"] != OK:
            rows.append(set_aside(row["slide_id"], row["reason"], row["detail"]))
        elif not path.exists():
            rows.append(set_aside(row["slide_id"], "no_features", f"no file {path.name} in {folder}"))
        else:
            rows.append(_row(row["slide_id"], path, wsi, grid))
    return rows


def _row(slide_id: str, path: Path, wsi: str | os.PathLike, grid: Mapping[str, Any]) -> dict[str, Any]:
    try:
        with open_h5(path) as handle:
            shape = handle["features"].shape
            attributes = dict(handle["coords"].attrs) if "coords" in handle else {}
    except (OSError, KeyError) as error:
        return set_aside(slide_id, "unreadable", f"{path}: {error}")
    wanted = {"patch_size": grid["patch_size"], "target_magnification": grid["magnification"]}
    for key, value in wanted.items():
        if key in attributes and float(attributes[key]) != float(value):
            raise ValueError(f"{path} was made with {key} {attributes[key]:g}, the grid of the config has {value:g}")
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if len(shape) != 2 or shape[0] == 0:
        return set_aside(slide_id, "no_features", f"{path} holds no features (shape {shape})")
    name = path if path.is_absolute() else os.path.relpath(path, wsi)
    facts = {"file": str(name), "bytes": path.stat().st_size, "fingerprint": fingerprint(path)}
    return accepted(slide_id, n_patches=shape[0], dim=shape[1], **facts)
