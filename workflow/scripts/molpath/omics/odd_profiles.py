"""What the log says of profiles that are odd and taken all the same."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence

import numpy as np

log = logging.getLogger(__name__)


def tell_notes(rows: Sequence[Mapping[str, str]], notes: np.ndarray) -> None:
    """Log what is odd about the units of profiles that were taken all the same."""
    odd = np.flatnonzero(notes != "")
    for index in odd[:10]:
        log.warning("profile %s (%s): %s", rows[index]["profile_id"], rows[index]["path"], notes[index])
    if len(odd) > 10:
        log.warning("and %d profiles more: column unit_note of the table", len(odd) - 10)


def tell_equals(rows: Sequence[Mapping[str, str]], values: np.ndarray) -> None:
    """Log profiles with the same values in all genes: one file under two names, most likely."""
    names: dict[bytes, list[str]] = {}
    for row, mine in zip(rows, values, strict=True):
        names.setdefault(hashlib.blake2b(mine.tobytes()).digest(), []).append(row["profile_id"])
    groups = [found for found in names.values() if len(found) > 1]
    for found in groups[:10]:
        log.warning(
            "profiles %s have the same values in all genes: is one file in the sheet twice?", ", ".join(found[:10])
        )
    if len(groups) > 10:
        log.warning("and %d groups of equal profiles more", len(groups) - 10)
