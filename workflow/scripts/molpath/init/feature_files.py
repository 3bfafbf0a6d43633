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

#: Files that are opened to learn the grid; all names are looked at.
OPENED = 8
GRID = re.compile(r"(?P<magnification>\d+(?:\.\d+)?)x_(?P<patch_size>\d+)px(?:_(?P<overlap>\d+)px(?:_overlap)?)?")
#: Sidecars and working files that are no features.
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
    """What lies in a folder of features. Raises Refusal where it holds none, or those of several runs."""
    check_folder(folder)
    near = next((folder / name for name in NEAR if (folder / name).is_dir()), folder)
    stems = _stems(near)
    if not stems:
        inside = _runs_below(folder)
        if len(inside) > 1:
            shown = "".join(f"\n  --features {one}" for one in inside[:20])
            raise Refusal(f"{folder} holds features of {len(inside)} runs; name one (or several studies):{shown}")
        if inside:
            return look_at(inside[0])
        stems = _stems_below(near)
        if not stems:
            raise Refusal(
                f"{folder}: no feature file ({', '.join(ENDINGS)}) in it or below: name the folder of the files"
            )
    found = Found(folder, sorted(stems))
    paths = [stems[name] for name in found.stems]
    step = max(1, len(paths) // OPENED)
    _describe(found, paths[::step][:OPENED])
    return found


def check_folder(folder: Path) -> None:
    """Refuse what isn't a folder that can be listed."""
    if not folder.is_dir():
        raise Refusal(f"{folder}: {'a file, and a folder is asked for' if folder.exists() else 'no such folder'}")
    try:
        os.listdir(folder)
    except OSError as error:
        raise Refusal(
            f"{folder}: {(error.strerror or 'can not be listed').lower()}: ask for the right to read it"
        ) from None


def _stems(folder: Path) -> dict[str, Path]:
    """Feature files that lie in a folder itself, by stem; of several endings the first counts."""
    found: dict[str, Path] = {}
    entries = sorted(os.listdir(folder))
    for ending in ENDINGS:
        for entry in entries:
            stem = entry.removesuffix(ending)
            if entry.endswith(ending) and not entry.startswith(".") and not stem.endswith(NO_FEATURES):
                found.setdefault(stem, folder / entry)
    return found


def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """`os.walk`, through links to folders too, each folder once."""
    seen = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
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
    """Feature files anywhere below, as STAMP puts them; a name that is there twice is refused."""
    found: dict[str, Path] = {}
    for parent, folders, _ in walk(folder):
        folders[:] = sorted(name for name in folders if not name.endswith(".zarr") and not name.startswith("."))
        for stem, path in _stems(Path(parent)).items():
            if stem in found:
                raise Refusal(f"two files of slide {stem}: {found[stem]} and {path}: name the folder of one run")
            found[stem] = path
    return found


def _describe(found: Found, sample: Sequence[Path]) -> None:
    """Tool, encoders and grid of a few files, and of names of folders where files don't say."""
    facts = [fact for path in sample if (fact := peek(path))]
    if not facts:
        raise Refusal(
            f"{found.folder}: none of {len(sample)} files can be read as features ({some(p.name for p in sample)})"
        )
    found.tool = str(facts[0]["tool"])
    found.encoders = list(dict.fromkeys(name for fact in facts for name in fact["encoders"]))
    for fact in facts:
        if fact["grid"]:
            found.grids.setdefault(fact["grid"], fact["file"])
    for part in (*reversed(found.folder.resolve().parts),):
        if not found.encoders and part.startswith("features_"):
            found.encoders = [part.removeprefix("features_")]
        if not found.grids and (match := GRID.match(part)):
            found.grids = {grid_name(match.groupdict()): f"the folder {part}"}


def peek(path: Path) -> dict[str, Any] | None:
    """Tool, encoders and grid that a file says; None for one that can't be read."""
    import h5py

    if path.suffix != ".h5":
        return _peek_other(path)
    try:
        with h5py.File(path, "r") as handle:
            said = {**handle.attrs, **(handle["coords"].attrs if "coords" in handle else {})}
            inside = handle.get("features", handle.get("feats"))
            if inside is None:
                return None
            if isinstance(inside, h5py.Group):
                names = [name for name in inside if not name.startswith("__tmp_")]
                return _facts("AtlasPatch", path, names, said)
            if inside.ndim == 1:
                raise Refusal(f"{path}: one vector per slide, no features of patches: give the folder as --embeddings")
            if "feats" in handle:
                return _facts("STAMP", path, [str(said["extractor"])] if "extractor" in said else [], said)
            tool = "TRIDENT" if {"patch_size", "target_magnification"} & set(said) or "coords" not in handle else "CLAM"
            return _facts(tool, path, [], said)
    except OSError:
        return None


def _peek_other(path: Path) -> dict[str, Any]:
    """Names alone: .pt and .npz say nothing of their grid; tables of a .zarr are called after encoders."""
    if path.suffix == ".zarr":
        tables = path / "tables"
        names = sorted(one.name.removesuffix("_tiles") for one in tables.glob("*_tiles")) if tables.is_dir() else []
        return _facts("LazySlide", path, names, {})
    tool = "slide2vec" if path.with_suffix(".meta.json").exists() else "CLAM or slide2vec"
    return _facts(tool, path, [], {})


def _facts(tool: str, path: Path, encoders: list[str], said: Mapping[str, Any]) -> dict[str, Any]:
    return {"tool": tool, "file": path.name, "encoders": encoders, "grid": grid_said(said)}


def grid_said(said: Mapping[str, Any]) -> str:
    """The grid that attributes tell, in TRIDENT's spelling; '' where they don't."""
    pixels = said.get("patch_size", said.get("tile_size_px"))
    magnification = said.get("target_magnification")
    edge = said.get("tile_size_um", said.get("tile_size"))
    if magnification is None and pixels and edge:
        magnification = 10 * float(pixels) / float(edge)
    if not pixels or not magnification:
        return ""
    parts = {"magnification": f"{float(magnification):g}", "patch_size": f"{int(pixels)}"}
    return grid_name(parts | {"overlap": f"{int(said.get('overlap', 0))}"})


def grid_name(parts: Mapping[str, str | None]) -> str:
    """20x_512px_0px_overlap."""
    return f"{float(parts['magnification'] or 0):g}x_{parts['patch_size']}px_{parts.get('overlap') or 0}px_overlap"


def grid_of(name: str) -> dict[str, Any]:
    """The config's entry of a grid by name. Raises Refusal for what is none."""
    match = GRID.fullmatch(name)
    if not match:
        raise Refusal(f"--grid {name}: write it as 20x_512px (magnification and pixels of a patch)")
    number = float(match["magnification"])
    found: dict[str, Any] = {"magnification": int(number) if number.is_integer() else number}
    found["patch_size"] = int(match["patch_size"])
    return found | ({"overlap": int(match["overlap"])} if int(match["overlap"] or 0) else {})
