"""Every slide compared with what its inspection wrote down, whatever its size and time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..common.digests import md5_of
from ..common.manifests import read_manifests
from ..common.slide_parts import files_of
from .identity import identity_of

REMEDY = "put the right file back, or touch it and run the workflow again"


def compare_slides(
    slides: Sequence[Mapping[str, str]], manifests: Iterable[str | os.PathLike], threads: int = 1
) -> tuple[list[str], int]:
    """A sentence for each slide that differs from what inspection saw, or is missing; and how many were compared.

    slides: dicts with slide_id, path and md5 ('' where the sheet announces none); manifests: of the stage slides, those
    that exist. All of a file is read where there is an MD5 to compare, samples of it where not.
    """
    row_of = {row["slide_id"]: row for row in read_manifests(filter(os.path.isfile, manifests))}
    pairs = [(slide, row_of[slide["slide_id"]]) for slide in slides if slide["path"] and slide["slide_id"] in row_of]
    pairs = [(slide, row) for slide, row in pairs if row["identity"] or row["bytes"]]
    with ThreadPoolExecutor(threads) as pool:
        differences = pool.map(lambda pair: difference(*pair), pairs)
        problems = [
            f"{slide['path']} (slide {slide['slide_id']}): {wrong}; {REMEDY}"
            for (slide, _), wrong in zip(pairs, differences, strict=True)
            if wrong
        ]
    return problems, len(pairs)


def difference(slide: Mapping[str, str], row: Mapping[str, str]) -> str:
    """What is wrong with a slide, by its row of the manifest; '' if nothing is."""
    path = slide["path"]
    try:
        size = sum(os.path.getsize(part) for part in files_of(path))
        if str(size) != row["bytes"]:
            return f"{size} bytes, and inspection saw {row['bytes']}"
        if row["identity"] and identity_of(path) != row["identity"]:
            return "other contents than inspection saw"
        if slide["md5"] and Path(path).is_file() and md5_of(path) != slide["md5"].lower():
            return "another MD5 than the slide sheet announces"
    except OSError as error:
        return (error.strerror or "can't be read").lower()
    return ""
