"""Manifests: one row per slide in sheet order, what came of it, and why it was set aside if it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .files import fingerprint, read_tsv, remove_leftovers, write_tsv

OK, SET_ASIDE = "ok", "set_aside"
#: Reason of a slide that only features of another tool stand for: no fault, and later stages may use it.
FEATURES_ONLY = "features_only"

#: Every reason a slide can be set aside for, in the order in which they are looked for.
REASONS = {
    "excluded": "the sheet says keep = no",
    "features_only": "the sheet names no raw slide; only features of another tool stand for it",
    "not_downloaded": "the file could not be fetched as it was announced",
    "unreadable": "no reader opens the file",
    "truncated": "the file ends before its data do",
    "crashed": "reading the slide ended the reader process",
    "timeout": "reading the slide took longer than the deadline",
    "memory": "reading the slide needed more memory than one slide may take",
    "no_resolution": "no micrometres per pixel in the file nor in the sheet",
    "not_square": "its pixels are wider than high, or higher than wide",
    "low_resolution": "the slide was scanned at less than the wanted magnification",
    "no_contours": "the folder of given contours has no polygons for it",
    "not_he": "the slide is not stained with haematoxylin and eosin, or not seen in transmitted light",
    "blank": "no tissue found",
    "under_stained": "the tissue is so pale that stain and noise are hard to tell apart",
    "over_stained": "the tissue is so dark that its structure is lost",
    "compressed": "compression has taken away the detail",
    "out_of_focus": "too little of the tissue is in focus",
    "no_coords": "the folder of given coordinates has no file for it",
    "bad_coords": "the given coordinates can't be read, or don't fit the slide or the grid",
    "no_patches": "no patch is left after tissue and quality masks",
    "damaged": "too many of its patches lie on tiles that can't be decoded",
    "no_features": "the folder of precomputed features has no file for it",
    "bad_features": "the file of precomputed features can't be used, or doesn't fit the slide or the grid",
}


def set_aside(slide_id: str, reason: str, detail: str, **counts: Any) -> dict[str, Any]:
    """A manifest row for a slide that is left out. `reason` must be one of REASONS."""
    if reason not in REASONS:
        raise ValueError(f"'{reason}' is not a reason a slide can be set aside for")
    return {"slide_id": slide_id, "status": SET_ASIDE, "reason": reason, "detail": one_line(detail)} | counts


def accepted(slide_id: str, **values: Any) -> dict[str, Any]:
    """A manifest row for a slide that goes on."""
    return {"slide_id": slide_id, "status": OK, "reason": "", "detail": ""} | values


def one_line(text: str, longest: int = 500) -> str:
    """`text` on one line, at most `longest` printable characters, fit for a cell of a TSV.

    Libraries quote what they found in a broken file: control characters, half characters, kilobytes of them.
    """
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))
    return line if len(line) <= longest else f"{line[: longest - 2]} …"


def file_facts(path: str | os.PathLike[str], root: str | os.PathLike[str]) -> dict[str, Any]:
    """Columns `file` (relative to `root`, the wsi folder), `bytes` and `fingerprint` of a written file."""
    return {
        "file": Path(path).relative_to(root).as_posix(),
        "bytes": os.path.getsize(path),
        "fingerprint": fingerprint(path),
    }


def file_of(row: Mapping[str, Any], root: str | os.PathLike[str]) -> Path:
    """The file of a manifest row below `root`, or beside it (`../../theirs/a.h5`, also where there is no `root`)."""
    return Path(os.path.normpath(Path(root) / row["file"]))


def write_manifest(path: str | os.PathLike[str], rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Write rows as TSV with slide_id, status, reason, detail and then `columns` ('' where a row lacks one)."""
    import pandas as pd

    header = ["slide_id", "status", "reason", "detail", *columns]
    remove_leftovers(Path(path).parent, {Path(path).name})
    write_tsv(path, pd.DataFrame([{name: row.get(name, "") for name in header} for row in rows], columns=header))


def read_manifest(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Rows of one manifest, every cell a string."""
    rows: list[dict[str, str]] = read_tsv(path).to_dict("records")
    return rows


def read_manifests(paths: Iterable[str | os.PathLike[str]]) -> list[dict[str, str]]:
    """Rows of several manifests, one after the other."""
    return [row for path in paths for row in read_manifest(path)]
