"""Log messages about unusual profiles that are accepted."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence

import numpy as np

log = logging.getLogger(__name__)


def log_notes(rows: Sequence[Mapping[str, str]], notes: np.ndarray) -> None:
    """Log remarks on the units of accepted profiles."""
    noted = np.flatnonzero(notes != "")
    for index in noted[:10]:
        log.warning("profile %s (%s): %s", rows[index]["profile_id"], rows[index]["path"], notes[index])
    if len(noted) > 10:
        log.warning("and %d profiles more: column unit_note of the table", len(noted) - 10)


def log_equals(rows: Sequence[Mapping[str, str]], values: np.ndarray) -> None:
    """Log profiles with the same values in all genes: probably one file under two names."""
    names: dict[bytes, list[str]] = {}
    for row, profile_values in zip(rows, values, strict=True):
        names.setdefault(hashlib.blake2b(profile_values.tobytes()).digest(), []).append(row["profile_id"])
    groups = [profiles for profiles in names.values() if len(profiles) > 1]
    for profiles in groups[:10]:
        log.warning(
            "profiles %s have the same values in all genes: is one file in the sheet twice?", ", ".join(profiles[:10])
        )
    if len(groups) > 10:
        log.warning("and %d groups of equal profiles more", len(groups) - 10)
