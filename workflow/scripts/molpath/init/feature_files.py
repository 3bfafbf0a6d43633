"""Folders of features as other tools leave them: which files, of which encoder, on which grid."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common.feature_files import ENDINGS, NEAR
from .draft import Refusal, some

#: Number of files that are opened to find the grid; all names are checked.
OPENED = 8
GRID = re.compile(r"(?P<magnification>\d+(?:\.\d+)?)x_(?P<patch_size>\d+)px(?:_(?P<overlap>\d+)px(?:_overlap)?)?")
#: Sidecars and working files that hold no features.
NO_FEATURES = ("_patches", ".meta", "_attention", "_attention_scores", "_attn", "_scores", "_blockmap")


@dataclass
class Found:
    """Feature files of a folder: stems sorted, the folder for the config, facts of a few files."""

    folder: Path
    stems: list[str]
    tool: str = ""
    encoders: list[str] = field(default_factory=list)
    grids: dict[str, str] = field(default_factory=dict)


def look_at(folder: Path) -> Found:
    """The feature files of a folder. Raises Refusal if it holds none, or those of several runs."""
    check_folder(folder)
    file_folder = next((folder / name for name in NEAR if (folder / name).is_dir()), folder)
    stems = _stems(file_folder)
    if not stems:
        runs = _runs_below(folder)
        if len(runs) > 1:
            options = "".join(f"\n  --features {run}" for run in runs[:20])
            raise Refusal(f"{folder} holds features of {len(runs)} runs; name one (or several studies):{options}")
        if runs:
            return look_at(runs[0])
        stems = _stems_below(file_folder)
        if not stems:
            raise Refusal(
                f"{folder}: no feature file ({', '.join(ENDINGS)}) in it or below: name the folder of the files"
            )
    features = Found(folder, sorted(stems))
    paths = [stems[name] for name in features.stems]
    step = max(1, len(paths) // OPENED)
    _describe(features, paths[::step][:OPENED])
    return features


def check_folder(folder: Path) -> None:
    """Refuse what isn't a folder that can be listed."""
    if not folder.is_dir():
        raise Refusal(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")
    try:
        os.listdir(folder)
    except OSError as error:
        raise Refusal(
            f"{folder}: {(error.strerror or 'cannot be listed').lower()}: ask for permission to read it"
        ) from None


def _stems(folder: Path) -> dict[str, Path]:
    """Feature files directly in a folder, by stem; of several suffixes the first counts."""
    path_of: dict[str, Path] = {}
    entries = sorted(os.listdir(folder))
    for ending in ENDINGS:
        for entry in entries:
            stem = entry.removesuffix(ending)
            if entry.endswith(ending) and not entry.startswith(".") and not stem.endswith(NO_FEATURES):
                path_of.setdefault(stem, folder / entry)
    return path_of


def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk` that follows links to folders, but visits each folder once."""
    visited = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(parent)) in visited:
            folders.clear()
            continue
        visited.add(real)
        yield parent, folders, files


def _runs_below(folder: Path) -> list[Path]:
    """Folders of features where tools put them: TRIDENT's features_<encoder>, CLAM's, STAMP's, AtlasPatch's."""
    runs = []
    for parent, folders, _ in walk(folder):
        deep = len(Path(parent).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if deep < 3 else []
        for name in list(folders):
            path = Path(parent, name)
            if name in NEAR:
                runs.append(Path(parent))
            elif name.startswith("features_") or (name == "patches" and _stems(path)):
                runs.append(path)
    runs = [path for path in dict.fromkeys(runs) if path != folder and (_stems(path) or _near_of(path))]
    featured = [path for path in runs if path.name != "patches"]
    return featured or runs


def _near_of(folder: Path) -> bool:
    return any((folder / name).is_dir() and _stems(folder / name) for name in NEAR)


def _stems_below(folder: Path) -> dict[str, Path]:
    """Feature files anywhere below, where STAMP puts them; a duplicate name is refused."""
    path_of: dict[str, Path] = {}
    for parent, folders, _ in walk(folder):
        folders[:] = sorted(name for name in folders if not name.endswith(".zarr") and not name.startswith("."))
        for stem, path in _stems(Path(parent)).items():
            if stem in path_of:
                raise Refusal(f"two files of slide {stem}: {path_of[stem]} and {path}: name the folder of one run")
            path_of[stem] = path
    return path_of


def _describe(features: Found, sample: Sequence[Path]) -> None:
    """Tool, encoders and grid from a few files, and from folder names if files don't say."""
    descriptions = [description for path in sample if (description := peek(path))]
    if not descriptions:
        raise Refusal(
            f"{features.folder}: none of {len(sample)} files can be read as features ({some(p.name for p in sample)})"
        )
    features.tool = str(descriptions[0]["tool"])
    features.encoders = list(dict.fromkeys(name for description in descriptions for name in description["encoders"]))
    for description in descriptions:
        if description["grid"]:
            features.grids.setdefault(description["grid"], description["file"])
    for folder_name in (*reversed(features.folder.resolve().parts),):
        if not features.encoders and folder_name.startswith("features_"):
            features.encoders = [folder_name.removeprefix("features_")]
        if not features.grids and (match := GRID.match(folder_name)):
            features.grids = {grid_name(match.groupdict()): f"the folder {folder_name}"}


def peek(path: Path) -> dict[str, Any] | None:
    """Tool, encoders and grid given in a file; None if it can't be read."""
    import h5py

    if path.suffix != ".h5":
        return _peek_other(path)
    try:
        with h5py.File(path, "r") as handle:
            attributes = {**handle.attrs, **(handle["coords"].attrs if "coords" in handle else {})}
            item = handle.get("features", handle.get("feats"))
            if item is None:
                return None
            if isinstance(item, h5py.Group):
                names = [name for name in item if not name.startswith("__tmp_")]
                return _facts("AtlasPatch", path, names, attributes)
            if item.ndim == 1:
                raise Refusal(f"{path}: one vector per slide, not features of patches: give the folder as --embeddings")
            if "feats" in handle:
                return _facts(
                    "STAMP", path, [str(attributes["extractor"])] if "extractor" in attributes else [], attributes
                )
            tool = (
                "TRIDENT"
                if {"patch_size", "target_magnification"} & set(attributes) or "coords" not in handle
                else "CLAM"
            )
            return _facts(tool, path, [], attributes)
    except OSError:
        return None


def _peek_other(path: Path) -> dict[str, Any]:
    """From names only: .pt and .npz don't give their grid; tables of a .zarr are named after encoders."""
    if path.suffix == ".zarr":
        tables = path / "tables"
        names = sorted(entry.name.removesuffix("_tiles") for entry in tables.glob("*_tiles")) if tables.is_dir() else []
        return _facts("LazySlide", path, names, {})
    tool = "slide2vec" if path.with_suffix(".meta.json").exists() else "CLAM or slide2vec"
    return _facts(tool, path, [], {})


def _facts(tool: str, path: Path, encoders: list[str], attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool": tool, "file": path.name, "encoders": encoders, "grid": grid_from(attributes)}


def grid_from(attributes: Mapping[str, Any]) -> str:
    """The grid given by attributes, in TRIDENT's spelling; '' if they don't give it."""
    pixels = attributes.get("patch_size", attributes.get("tile_size_px"))
    magnification = attributes.get("target_magnification")
    edge = attributes.get("tile_size_um", attributes.get("tile_size"))
    if magnification is None and pixels and edge:
        magnification = 10 * float(pixels) / float(edge)
    if not pixels or not magnification:
        return ""
    fields = {"magnification": f"{float(magnification):g}", "patch_size": f"{int(pixels)}"}
    return grid_name(fields | {"overlap": f"{int(attributes.get('overlap', 0))}"})


def grid_name(fields: Mapping[str, str | None]) -> str:
    """20x_512px_0px_overlap."""
    return f"{float(fields['magnification'] or 0):g}x_{fields['patch_size']}px_{fields.get('overlap') or 0}px_overlap"


def grid_of(name: str) -> dict[str, Any]:
    """The config's entry of a grid by name. Raises Refusal for an invalid name."""
    match = GRID.fullmatch(name)
    if not match:
        raise Refusal(f"--grid {name}: write it as 20x_512px (magnification and pixels of a patch)")
    number = float(match["magnification"])
    grid: dict[str, Any] = {"magnification": int(number) if number.is_integer() else number}
    grid["patch_size"] = int(match["patch_size"])
    return grid | ({"overlap": int(match["overlap"])} if int(match["overlap"] or 0) else {})
