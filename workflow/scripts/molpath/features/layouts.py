"""How feature files are laid out by the tools that write them: TRIDENT (ours too), CLAM, STAMP, AtlasPatch, slide2vec.

TRIDENT     .h5 `features` N x D or 1 x N x D; `coords` in level-0 pixels, absent in early files, with the attributes
            patch_size, target_magnification and others
CLAM        .h5 `features` N x D (float32); `coords` in level-0 pixels (int32); no attributes at all
            .pt a tensor N x D
STAMP       .h5 `feats` N x D (float16); `coords` in micrometres (float32); attributes on the file: extractor, unit,
            tile_size_um, tile_size_px
AtlasPatch  .h5 `features/<encoder>` N x D; `coords` N x 5, the first two in level-0 pixels; TRIDENT's attributes on
            the file
slide2vec   .pt a tensor N x D, or .npz with `features`; <slide>.meta.json beside it
LazySlide   .zarr, a group: `tables/<encoder>_tiles/X` N x D
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..common.feature_files import state_of
from ..common.files import open_h5
from ..common.given_files import check_archive, too_large
from ..common.given_h5 import Unusable, own_array
from ..common.given_text import read_json
from ..tiles.given import attributes_of

NAMES = ("features", "feats")
#: Numbers of a block that is read at once while a file is looked through (16 MB as fp32).
BLOCK = 1 << 22


@dataclass(frozen=True)
class Layout:
    """Contents and attributes of a feature file.

    name: of the array in its file; coords: float64 N x 2 in the file's unit (micrometres or level-0 pixels), None where
    there are none; attributes: those of the grid and slide by TRIDENT's names, and STAMP's tile_size_um, tile_size_px.
    """

    tool: str
    name: str
    count: int
    dim: int
    coords: np.ndarray | None = None
    micrometres: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


def layout_of(path: str | os.PathLike, name: str = "", encoder: str = "") -> Layout:
    """Layout of a feature file after checking every number in it; run it in a child process.

    name: which of several encoders' features to take; empty takes the only one, or those called like `encoder`. Raises
    Unusable, naming what was found instead.
    """
    with _opened(path) as contents:
        name = _choose(contents, name, encoder)
        values = _values(contents, name)
        count, dim = _shape(values)
        _check_numbers(values, count)
        layout = _describe(contents, name, count, dim)
    if layout.coords is not None and len(layout.coords) != count:
        raise Unusable(f"it holds features of {count} patches and coords of {len(layout.coords)}")
    return layout


def read_features(path: str | os.PathLike, name: str = "features") -> np.ndarray:
    """Features of all patches of a slide, N x D in the stored type, in any known layout."""
    with _opened(path) as contents:
        values = _values(contents, name)
        return np.asarray(values[...]).reshape(_shape(values))


def feature_blocks(path: str | os.PathLike[str], name: str = "features", rows: int = 4096) -> Iterator[np.ndarray]:
    """The same in blocks of `rows` patches, or of a chunk of the file if that is larger (chunks are read whole)."""
    with _opened(path) as contents:
        values = _values(contents, name)
        count, _ = _shape(values)
        if getattr(values, "chunks", None):
            rows = max(rows, values.chunks[-2])
        for start in range(0, count, rows):
            block = values[start : start + rows] if len(values.shape) == 2 else values[0, start : start + rows]
            yield np.asarray(block)


def read_coords_of(path: str | os.PathLike) -> np.ndarray:
    """Coordinates of the patches (N x 2) in the file's unit."""
    with open_h5(path) as handle:
        return _pairs(handle["coords"])


@contextlib.contextmanager
def _opened(path: str | os.PathLike) -> Iterator[Any]:
    """An HDF5 file, or a mapping of arrays by name."""
    suffix = Path(path).suffix
    if suffix == ".h5":
        with open_h5(path) as handle:
            yield handle
    else:
        readers = {".pt": _tensors, ".npz": _arrays, ".zarr": _tables}
        if suffix not in readers:
            raise Unusable(f"features are read from .h5, {', '.join(readers)}, not from {suffix or 'such a folder'}")
        yield readers[suffix](Path(path))


def _tensors(path: Path) -> dict[str, Any]:
    import torch

    check_archive(path)
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    tensor = loaded.get("features") if isinstance(loaded, dict) else loaded
    if not isinstance(tensor, torch.Tensor):
        raise Unusable(f"it holds {type(loaded).__name__}, not a tensor of patches x width")
    if tensor.dtype == torch.bfloat16:  # numpy has none; fp32 holds every one of its values
        tensor = tensor.float()
    return _with_meta(path, {"features": tensor.detach().numpy()})


def _arrays(path: Path) -> dict[str, Any]:
    check_archive(path, packed=True)
    with np.load(path, allow_pickle=False) as loaded:
        return _with_meta(path, {name: loaded[name] for name in loaded.files})


def _with_meta(path: Path, arrays: dict[str, Any]) -> dict[str, Any]:
    """Arrays whose counts are those of slide2vec's <slide>.meta.json, where there is one."""
    meta_path = path.with_suffix(".meta.json")
    if not meta_path.exists():
        return arrays
    meta: dict[str, Any] = read_json(meta_path)
    shape: tuple[int, ...] = arrays["features"].shape if "features" in arrays else ()
    kind = meta.get("artifact_type", "tile_embeddings")
    if kind != "tile_embeddings":
        raise Unusable(f"{meta_path.name} says artifact_type {kind}, not tile_embeddings")
    for key, axis in (("num_tiles", 0), ("feature_dim", 1)):
        if len(shape) == 2 and meta.get(key, shape[axis]) != shape[axis]:
            raise Unusable(f"{meta_path.name} says {key} {meta[key]}, and the array is {shape[0]} x {shape[1]}")
    return arrays


def _tables(path: Path) -> dict[str, Any]:
    """Arrays X of the tables of a LazySlide (SpatialData) store, by `tables/<name>`."""
    try:
        import zarr
    except ImportError as error:
        raise Unusable("reading a .zarr needs the package zarr: install it beside this workflow's") from error
    tables = zarr.open_group(path, mode="r").get("tables")
    if not isinstance(tables, zarr.Group):
        raise Unusable("it has no group tables, so it is not a LazySlide store with features")
    n_bytes = sum(size for _, size, _ in state_of(path))
    arrays = {f"tables/{name}": group.get("X") for name, group in tables.groups() if name.endswith("_tiles")}
    for name, array in arrays.items():
        if isinstance(array, zarr.Array) and too_large(array.nbytes, n_bytes):
            raise Unusable(f"{name} is said to hold {array.nbytes >> 20} MiB, in {n_bytes} bytes")
        if isinstance(array, zarr.Array) and array.nchunks_initialized < array.nchunks:
            raise Unusable(f"{array.nchunks_initialized} of the {array.nchunks} blocks of {name} were written")
    return {name: array for name, array in arrays.items() if isinstance(array, zarr.Array)}


def _choose(contents: Any, name: str, encoder: str) -> str:
    """The array's name: the requested one, the only one, or the one named like the encoder."""
    candidates = _candidates(contents)
    if not candidates:
        datasets = ", ".join(sorted(contents)) or "none"
        raise Unusable(f"neither {' nor '.join(NAMES)} among its datasets ({datasets})")
    requested = [
        candidate for candidate in candidates if name and candidate.removesuffix("_tiles").rsplit("/", 1)[-1] == name
    ]
    same_name = [
        candidate for candidate in candidates if candidate.removesuffix("_tiles").rsplit("/", 1)[-1] == encoder
    ]
    if candidates in ([candidate] for candidate in NAMES):  # a single array without a name of its own
        return candidates[0]
    fitting = requested if name else candidates if len(candidates) == 1 else same_name
    if len(fitting) != 1:
        names = ", ".join(candidate.removesuffix("_tiles").rsplit("/", 1)[-1] for candidate in candidates)
        raise Unusable(f"it holds features of {names}: name one of them as `features` of the encoder in the config")
    return fitting[0]


def _candidates(contents: Any) -> list[str]:
    if isinstance(contents, dict):
        return sorted(name for name in contents if name == "features" or name.startswith("tables/"))
    names = [name for name in NAMES if name in list(contents)]
    group = contents.get("features") if names[:1] == ["features"] else None
    if group is None or not hasattr(group, "keys"):
        return names[:1]
    nested = [f"features/{name}" for name in sorted(group) if not name.startswith("__tmp_")]
    return nested or ["features"]


def _values(contents: Any, name: str) -> Any:
    """The array of features. Raises Unusable unless it holds floating-point numbers."""
    if not isinstance(contents, dict):
        return own_array(contents, name, "f")
    values = contents[name]
    if values.dtype.kind != "f":
        raise Unusable(f"{name!r} holds {values.dtype}, not floating-point numbers")
    return values


def _shape(values: Any) -> tuple[int, int]:
    shape = values.shape
    if len(shape) == 3 and shape[0] == 1:
        shape = shape[1:]
    if shape == (0,) or (len(shape) == 2 and shape[0] == 0):
        raise Unusable("it holds no patches")
    if len(shape) == 1:
        raise Unusable(f"it holds one vector of {shape[0]} numbers, not one per patch (a slide's or a case's?)")
    if len(shape) != 2 or not shape[1]:
        raise Unusable(f"its features have the shape {shape}, not patches x width")
    return int(shape[0]), int(shape[1])


def _check_numbers(values: Any, count: int) -> None:
    """Every number is finite and fits fp16, in which features are packed; they are not all zero. Raises Unusable."""
    flat = len(values.shape) == 2
    rows = max(1, BLOCK // values.shape[-1])
    if getattr(values, "chunks", None):
        rows = max(rows, values.chunks[-2])
    empty = True
    for start in range(0, count, rows):
        block = np.asarray(values[start : start + rows] if flat else values[0, start : start + rows])
        nonfinite = ~np.isfinite(block)
        beyond_fp16 = np.abs(block, where=~nonfinite, out=np.zeros_like(block)) > np.finfo(np.float16).max
        for is_bad, problem in ((nonfinite, "not finite"), (beyond_fp16, "beyond 65,504, which fp16 does not hold")):
            if is_bad.any():
                row, column = np.argwhere(is_bad)[0]
                raise Unusable(f"row {start + row}, column {column} is {block[row, column]:g}: {problem}")
        empty &= not block.any()
    if empty:
        raise Unusable("all of its features are 0: they were never written")


def _describe(contents: Any, name: str, count: int, dim: int) -> Layout:
    if isinstance(contents, dict):
        return Layout("LazySlide" if name.startswith("tables/") else "slide2vec or CLAM (.pt)", name, count, dim)
    attributes = attributes_of(contents)
    coords = None
    if "coords" in list(contents):
        dataset = own_array(contents, "coords", "iuf")
        attributes |= attributes_of(dataset)
        coords = _pairs(dataset).astype(np.float64)
        if not np.isfinite(coords).all():
            raise Unusable("its coords are not all finite")
    if name == "feats":
        return Layout("STAMP", name, count, dim, _stamp_coords(coords, attributes), True, _stamp_grid(attributes))
    if "/" in name:
        return Layout("AtlasPatch", name, count, dim, coords, attributes=attributes)
    tool = "TRIDENT" if coords is None or "patch_size" in attributes or "target_magnification" in attributes else "CLAM"
    return Layout(tool, name, count, dim, coords, attributes=attributes)


def _pairs(dataset: Any) -> np.ndarray:
    """Coordinates N x 2: of N x 2, 1 x N x 2, or AtlasPatch's N x 5 (x, y, width, height, level)."""
    values = dataset[()]
    values = values[0] if values.ndim == 3 and len(values) == 1 else values
    if values.ndim != 2 or values.shape[1] not in (2, 5):
        raise Unusable(f"its coords have the shape {' x '.join(map(str, dataset.shape))}, not N x 2")
    return values[:, :2]


def _stamp_coords(coords: np.ndarray | None, attributes: Mapping[str, Any]) -> np.ndarray | None:
    """STAMP's coordinates in micrometres; None from versions before 2.0, which don't give the unit."""
    unit = attributes.get("unit")
    if unit not in (None, "um"):
        raise Unusable(f"its coords are in {unit!r}, not in micrometres (um)")
    return coords if unit else None


def _stamp_grid(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """STAMP's attributes of the grid; version 2.0 calls tile_size (micrometres) what later ones call tile_size_um."""
    grid = {key: attributes[key] for key in ("tile_size_um", "tile_size_px") if key in attributes}
    return (
        grid
        if "tile_size_um" in grid or "tile_size" not in attributes
        else grid | {"tile_size_um": attributes["tile_size"]}
    )
