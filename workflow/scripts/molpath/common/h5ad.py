"""Write h5ad files that anndata can read: unreadable column names are changed, and the file is read back."""

from __future__ import annotations

import os
from typing import Any

from .files import atomic_path

#: Where an h5ad keeps the names of its columns that had to be changed: a table with columns table, name, original.
ORIGINALS = "original_names"


class Unreadable(Exception):
    """An h5ad that doesn't hold what was written."""


def write_h5ad(path: str | os.PathLike[str], data: Any) -> None:
    """Write an AnnData object as h5ad, whole or not at all; read back before it takes its name."""
    give_readable_names(data)
    with atomic_path(path) as temporary:
        data.write_h5ad(temporary)
        check_readable(temporary, data)


def give_readable_names(data: Any) -> None:
    """Change names of columns of obs and var that h5ad can't store, and keep the originals in `uns`.

    A name is a path in HDF5: `T/N stage` is below `T`, '' and `.` are invalid; `_index` and the name of the
    index are taken. `/` becomes `_`; a name that is taken gets a number.
    """
    changed = []
    for axis in ("obs", "var"):
        table = getattr(data, axis)
        names = readable_names([str(name) for name in table.columns], str(table.index.name or ""))
        pairs = [(name, str(old)) for name, old in zip(names, table.columns, strict=True) if name != old]
        if pairs:
            table.columns = names
            changed += [(axis, *pair) for pair in pairs]
        if table.index.name is not None and not _is_place(str(table.index.name)):
            changed.append((axis, "index", str(table.index.name)))
            table.index.name = None
    if changed:
        import pandas as pd

        rows = [[cell.replace("\0", "\\0") for cell in row] for row in changed]
        index = [str(number) for number in range(len(rows))]
        data.uns[ORIGINALS] = pd.DataFrame(rows, index, ["table", "name", "original"])


def readable_names(names: list[str], index: str = "") -> list[str]:
    """Names in their order, unique and readable; those that already are stay unchanged."""
    used_names = {"_index", index}
    unchanged = [_is_place(name) and name not in used_names and names.count(name) == 1 for name in names]
    used_names |= {name for name, is_unchanged in zip(names, unchanged, strict=True) if is_unchanged}
    readable = []
    for name, is_unchanged in zip(names, unchanged, strict=True):
        if not is_unchanged:
            plain = "".join("_" if letter in "/\0" else letter for letter in name).strip(".") or "unnamed"
            name = next(
                candidate
                for candidate in (plain, *(f"{plain}_{i}" for i in range(2, len(names) + 4)))
                if candidate not in used_names
            )
            used_names.add(name)
        readable.append(name)
    return readable


def _is_place(name: str) -> bool:
    return bool(name.strip(".")) and not any(letter in name for letter in "/\0")


def check_readable(path: str | os.PathLike[str], data: Any) -> None:
    """Raise Unreadable unless a file has the names in obs, var and uns and the shapes of arrays that data has."""
    import h5py
    from anndata.io import read_elem

    try:
        with h5py.File(path, "r", locking=False) as handle:
            for axis in ("obs", "var"):
                expected, actual = getattr(data, axis), read_elem(handle[axis])
                if list(expected.columns) != list(actual.columns) or list(expected.index) != list(actual.index):
                    raise Unreadable(f"{path}: {axis} is read with other columns or rows than were written")
            if set(read_elem(handle["uns"])) != set(data.uns):
                raise Unreadable(f"{path}: uns is read with other keys than were written")
            for name in ("X", *(f"layers/{layer}" for layer in data.layers)):
                if handle[name].shape != data.shape:
                    raise Unreadable(f"{path}: {name} is read with shape {handle[name].shape}, not {data.shape}")
    except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        raise Unreadable(f"{path}: the written file can't be read back ({error}); report this") from None
