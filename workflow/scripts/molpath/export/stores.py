"""The stores of all shards in one list, and in their folder no other store that an earlier run wrote."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ..common.files import is_being_written, is_temporary, read_tsv, write_tsv
from .asked import remove_folder, remove_outdated

SHARD = re.compile(r"\d{5}\.tsv")


def write_list(shards: Sequence[str], output: str | os.PathLike[str]) -> None:
    """Write the rows of all shards to `output`, and remove stores and lists beside it that no shard names.

    A folder is a store of an earlier run if it says that it was made of the slide whose name it has: a copy under
    another name, or a store of another tool, stays. What killed jobs left half written or half removed goes, too.
    """
    rows = pd.concat([read_tsv(shard) for shard in shards], ignore_index=True)
    folder = Path(output).parent
    kept = {folder / file for file in rows.file if file} | {Path(shard) for shard in shards}
    lists = [path for path in folder.glob("*.tsv") if SHARD.fullmatch(path.name)]
    remove_outdated([*lists, *(path for path in folder.glob("*.zarr") if is_ours(path))], kept)
    for path in folder.glob(".tmp-*.zarr"):
        if is_temporary(path) and not is_being_written(path):
            remove_folder(path)
    write_tsv(output, rows)


def is_ours(store: Path) -> bool:
    """True for a store that this workflow wrote for the slide of its name."""
    try:
        attributes = json.loads((store / "zarr.json").read_text(encoding="utf-8"))["attributes"]
        return bool(attributes["molpath"]["slide_id"] == store.stem)
    except (OSError, ValueError, KeyError, TypeError):
        return False
