"""The two files of a reference: numbers as safetensors, and what is said about them as JSON that holds their
SHA-256."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..common.digests import sha256_of
from ..common.files import atomic_path, write_json
from .distances import Distances
from .patch_kinds import PatchKinds
from .reasons import ITEMS

TENSORS, FACTS = "reference.safetensors", "reference.json"
#: Format version of these files.
SCHEMA = 1


class DamagedReference(Exception):
    """Files of a reference that don't belong together; the message names them."""


def pack(table: np.ndarray, distances: Distances | None, kinds: PatchKinds | None) -> dict[str, np.ndarray]:
    """Arrays by name."""
    arrays = {"table": table}
    if distances is not None:
        arrays |= {"mean": distances.mean, "axes": distances.axes.astype(np.float32), "spread": distances.spread}
        arrays |= {"floor": np.array([distances.floor]), "kept": distances.kept.astype(np.float32)}
    if kinds is not None:
        arrays |= {"projection": kinds.projection, "bank": kinds.bank, "limit": np.array([kinds.limit])}
    return arrays


def unpack(
    arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]
) -> tuple[np.ndarray, Distances | None, PatchKinds | None]:
    """What was packed."""
    distances, kinds = None, None
    if "mean" in arrays:
        mean, axes, spread, kept_cases = (
            arrays[name].astype(np.float64) for name in ("mean", "axes", "spread", "kept")
        )
        distances = Distances(mean, axes, spread, float(arrays["floor"][0]), kept_cases)
    if "bank" in arrays:
        kinds = PatchKinds(arrays["projection"], arrays["bank"], float(arrays["limit"][0]), int(facts["seed"]))
    return arrays["table"], distances, kinds


def write_files(
    arrays: Mapping[str, np.ndarray],
    facts: Mapping[str, Any],
    tensors: str | os.PathLike[str],
    described: str | os.PathLike[str],
    items: Sequence[str] = ITEMS,
) -> None:
    """Write arrays to `tensors` and facts to `described`; items: names of the table's columns."""
    from safetensors.numpy import save_file

    with atomic_path(tensors) as temporary:
        save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, temporary)
    write_json(described, {**facts, "schema": SCHEMA, "items": list(items), "sha256": sha256_of(tensors)})


def read_files(folder: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and facts, `items` among them; files of earlier versions, which measured fewer numbers, are read too.

    Raises DamagedReference where the files are of another format, or not a pair.
    """
    from safetensors.numpy import load_file

    tensors, described = folder / TENSORS, folder / FACTS
    facts: dict[str, Any] = json.loads(described.read_text(encoding="utf-8"))
    items = facts.get("items")
    are_items = isinstance(items, list) and items == [item for item in ITEMS if item in items]
    other = DamagedReference(f"{described} is of another version of this workflow: describe the training cases again")
    if facts.get("schema") != SCHEMA or not are_items:
        raise other
    if sha256_of(tensors) != facts["sha256"]:
        raise DamagedReference(f"{tensors} isn't the file whose SHA-256 {described} holds: take both of one predictor")
    arrays = load_file(tensors)
    if arrays["table"].shape[1] != len(facts["items"]):
        raise other
    return arrays, facts
