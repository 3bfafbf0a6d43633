"""The feature file of a slide: TRIDENT's layout, fp16 or fp32, one contiguous block, written atomically."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..common.digests import digest_of
from ..common.files import Write, atomic_path, new_h5, open_h5
from ..common.stamps import stamp_h5
from ..tiles.grid import TRIDENT
from .damage import Damage, read_damage, write_damage
from .focus import focus_mpp

#: How features may be stored, by the config's word (`store` of an encoder).
STORED = {"fp16": np.float16, "fp32": np.float32}
#: Attributes of coordinates that don't concern the pixels (a slide's name, another tool's folder).
SILENT_ATTRIBUTES = {"name", "savetodir"}


def feature_path(wsi: str | os.PathLike, grid: str, encoder: str, slide_id: str) -> Path:
    """Path of the features of a slide: <wsi>/<grid>/features_<encoder>/<slide>.h5."""
    return Path(wsi) / grid / f"features_{encoder}" / f"{slide_id}.h5"


def inputs_of(identity: str, coords: np.ndarray, attributes: Mapping[str, Any], encoder: Mapping[str, Any]) -> str:
    """Digest of all that determines the features of a slide: its contents, coordinates, grid and encoder."""
    relevant = {key: value for key, value in attributes.items() if key not in SILENT_ATTRIBUTES}
    return digest_of(identity, coords, relevant, dict(encoder))


def write_features(
    path: str | os.PathLike,
    features: np.ndarray,
    focus: np.ndarray,
    coords: np.ndarray,
    attributes: Mapping[str, Any],
    stamp: Mapping[str, Any],
    encoder: str,
    damage: Damage | None = None,
    through_openslide: int = 0,
    write: Write = atomic_path,
) -> None:
    """Write `features` (N x dim), `focus` (float32 N) and `coords` (N x 2) with their attributes to `path`.

    Attribute `mpp` of `focus`: micrometres per pixel at which it was measured. damage: patches that could not be read;
    through_openslide: how many patches of a grid like TRIDENT's it had to read; write: see new_h5. Raises
    ValueError if a feature is not finite: the encoder's output doesn't fit the stored type.
    """
    if not np.isfinite(features).all():
        raise ValueError(
            f"{Path(path).stem}: encoder {encoder} gave values that are not finite as {features.dtype}. "
            "Its weights are damaged, or its output needs `store: fp32`."
        )
    with new_h5(path, write) as handle:
        stored = handle.create_dataset("features", data=features)
        stored.attrs["name"] = Path(path).stem
        stored.attrs["encoder"] = encoder
        measured = handle.create_dataset("focus", data=focus)
        measured.attrs["mpp"] = focus_mpp(10 / float(attributes["target_magnification"]))
        copied = handle.create_dataset("coords", data=coords)
        for key, value in sorted(attributes.items()):
            if key != "savetodir":
                copied.attrs[key] = value
        if damage:
            write_damage(handle, damage)
        if "like" in attributes:
            stored.attrs["through_openslide"] = through_openslide
        stamp_h5(handle, dict(stamp))


def facts_of(path: str | os.PathLike) -> dict[str, Any]:
    """Columns of the manifest from a feature file: patches and width, edge of a patch, damage, and a note."""
    with open_h5(path) as handle:
        features, coords = handle["features"], handle["coords"]
        count, width = features.shape[-2:]
        facts: dict[str, Any] = {
            "n_patches": int(count),
            "dim": int(width),
            "patch_size_level0": int(coords.attrs["patch_size_level0"]),
        }
        facts["note"] = note_of(coords.attrs, features.attrs, int(count))
    damage = read_damage(path)
    return facts | (damage.columns() if damage else {"n_damaged": 0, "damaged": ""})


def note_of(coords: Mapping[str, Any], features: Mapping[str, Any], count: int) -> str:
    """How patches were read, by the attributes of a file's datasets: '' unless they are TRIDENT's."""
    if coords.get("like") != TRIDENT:
        return ""
    slow = int(features.get("through_openslide", 0))
    detail = f", {slow} of {count} patches through OpenSlide: they begin between pixels of their level"
    return f"read as TRIDENT reads{detail if slow else ''}"
