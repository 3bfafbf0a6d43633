"""Where feature files of other tools are found, for planning and jobs alike."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

#: Suffixes of feature files; of several beside each other the first, the most informative, is taken.
ENDINGS = (".h5", ".npz", ".pt", ".zarr")
#: Folders that CLAM and slide2vec put patch features into, beside others of the same names.
NEAR = ("h5_files", "tile_embeddings")


def find_feature_files(folder: str | os.PathLike[str], names: Collection[str]) -> dict[str, list[str]]:
    """Files named `names` plus a suffix, by name: in one folder, as most tools write them.

    The missing ones are searched for anywhere below, where STAMP puts them; a name can have several then.
    """
    root = next(
        (os.path.join(folder, subfolder) for subfolder in NEAR if os.path.isdir(os.path.join(folder, subfolder))),
        folder,
    )
    if not os.path.isdir(root):
        return {}
    paths_of = _in_folder(root, os.listdir(root), set(names))
    missing = {name for name in names if name not in paths_of}
    if not missing:
        return paths_of
    for parent, folders, files in os.walk(root):
        entries = files + [name for name in folders if name.endswith(".zarr")]
        folders[:] = sorted(name for name in folders if not name.endswith(".zarr"))
        if parent != os.fspath(root):
            for name, paths in _in_folder(parent, entries, missing).items():
                paths_of[name] = paths_of.get(name, []) + paths
    return paths_of


def _in_folder(
    folder: str | os.PathLike[str], entries: Collection[str], names: Collection[str]
) -> dict[str, list[str]]:
    best: dict[str, tuple[int, str]] = {}
    for entry in entries:
        for rank, ending in enumerate(ENDINGS):
            name = entry.removesuffix(ending)
            if entry.endswith(ending) and name in names and (rank, entry) < best.get(name, (rank + 1, "")):
                best[name] = rank, entry
    return {name: [os.path.join(folder, entry)] for name, (_, entry) in best.items()}


def state_of(path: str | os.PathLike[str]) -> list[tuple[str, int, int]]:
    """Size and time of a file, or of every file of a folder: this detects a replaced file."""
    if not os.path.isdir(path):
        status = os.stat(path)
        return [("", status.st_size, status.st_mtime_ns)]
    files = sorted(entry for entry in Path(path).rglob("*") if entry.is_file())
    return [(str(entry.relative_to(path)), entry.stat().st_size, entry.stat().st_mtime_ns) for entry in files]
