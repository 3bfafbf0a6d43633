"""The feature file of a slide: TRIDENT's layout, fp16 or fp32, one contiguous block, written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..common.digests import digest_of
from ..common.files import new_h5, open_h5
from ..common.stamps import stamp_h5
from .focus import focus_mpp

#: How features may be stored, by the config's word (`store` of an encoder).
STORED = {"fp16": np.float16, "fp32": np.float32}
#: Attributes of coordinates that say nothing of the pixels (a slide's name, another tool's folder).
SILENT_ATTRIBUTES = {"name", "savetodir"}


def feature_path(wsi: str | os.PathLike, grid: str, encoder: str, slide_id: str) -> Path:
    """Where the features of a slide lie: <wsi>/<grid>/features_<encoder>/<slide>.h5."""
    return Path(wsi) / grid / f"features_{encoder}" / f"{slide_id}.h5"


def inputs_of(identity: str, coords: np.ndarray, attributes: Mapping[str, Any], encoder: Mapping[str, Any]) -> str:
    """Digest of all that decides the features of a slide: its contents, coordinates, grid and encoder."""
    told = {key: value for key, value in attributes.items() if key not in SILENT_ATTRIBUTES}
    return digest_of(identity, coords, told, dict(encoder))


def write_features(
    path: str | os.PathLike,
    features: np.ndarray,
    focus: np.ndarray,
    coords: np.ndarray,
    attributes: Mapping[str, Any],
    stamp: Mapping[str, Any],
    encoder: str,
) -> None:
    """Write `features` (N x dim), `focus` (float32 N) and `coords` (N x 2) with their attributes to `path`.

    Attribute `mpp` of `focus`: micrometres per pixel at which it was measured. Raises ValueError if a feature is not
    finite: the encoder's output doesn't fit the stored type.
    """
    if not np.isfinite(features).all():
        raise ValueError(
            f"{Path(path).stem}: encoder {encoder} gave values that are not finite as {features.dtype}. "
            "Its weights are damaged, or its output needs `store: fp32`."
        )
    with new_h5(path) as handle:
        stored = handle.create_dataset("features", data=features)
        stored.attrs["name"] = Path(path).stem
        stored.attrs["encoder"] = encoder
        measured = handle.create_dataset("focus", data=focus)
        measured.attrs["mpp"] = focus_mpp(10 / float(attributes["target_magnification"]))
        copied = handle.create_dataset("coords", data=coords)
        for key, value in sorted(attributes.items()):
            if key != "savetodir":
                copied.attrs[key] = value
        stamp_h5(handle, dict(stamp))


def shape_of(path: str | os.PathLike) -> tuple[int, int, int]:
    """Number of patches and width of a feature file, and edge of a patch in level-0 pixels."""
    with open_h5(path) as handle:
        count, width = handle["features"].shape[-2:]
        return int(count), int(width), int(handle["coords"].attrs["patch_size_level0"])
