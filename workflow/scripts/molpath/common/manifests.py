"""Manifests: one row per slide in sheet order, its result, and why it was set aside if it was."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .files import read_tsv, remove_leftovers, write_tsv
from .reasons import OK, REASONS, SET_ASIDE
from .recorded import Row


def set_aside(slide_id: str, reason: str, detail: str, **counts: Any) -> dict[str, Any]:
    """A manifest row for a slide that is set aside. `reason` must be one of REASONS."""
    if reason not in REASONS:
        raise ValueError(f"'{reason}' is not a known reason for setting a slide aside")
    return {"slide_id": slide_id, "status": SET_ASIDE, "reason": reason, "detail": one_line(detail)} | counts


def accepted(slide_id: str, **values: Any) -> dict[str, Any]:
    """A manifest row for a slide that continues."""
    return {"slide_id": slide_id, "status": OK, "reason": "", "detail": ""} | values


def one_line(text: str, longest: int = 500) -> str:
    """`text` on one line, at most `longest` printable characters, for a cell of a TSV.

    Libraries quote contents of broken files: control characters, incomplete characters, kilobytes of them.
    """
    line = "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(text).split()))
    return line if len(line) <= longest else f"{line[: longest - 2]} …"


def file_facts(path: str | os.PathLike[str], root: str | os.PathLike[str], row: Row) -> dict[str, Any]:
    """Columns `file` (relative to `root`, the wsi folder), `bytes` and `fingerprint` of a file, as it was recorded."""
    return {"file": Path(path).relative_to(root).as_posix(), "bytes": row.bytes, "fingerprint": row.fingerprint}


def file_of(row: Mapping[str, Any], root: str | os.PathLike[str]) -> Path:
    """The file of a manifest row below `root`, or outside it (`../../theirs/a.h5`, also if there is no `root`)."""
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


def check_same_slides(
    rows: Sequence[Mapping[str, Any]], path: object, other_rows: Sequence[Mapping[str, Any]], other_path: object
) -> None:
    """Raise ValueError unless rows of two stages are of the same slides in the same order, as joining them takes."""
    if len(rows) != len(other_rows):
        raise ValueError(f"{path}: {len(rows)} slides, and {len(other_rows)} in {other_path}; make both again")
    for number, (row, other) in enumerate(zip(rows, other_rows, strict=True), 1):
        if row["slide_id"] != other["slide_id"]:
            slides = f"slide {row['slide_id']}, and {other['slide_id']} in {other_path}"
            raise ValueError(f"{path}, row {number}: {slides}; make both again")


def read_manifests(paths: Iterable[str | os.PathLike[str]]) -> list[dict[str, str]]:
    """Rows of several manifests, one after the other."""
    return [row for path in paths for row in read_manifest(path)]
