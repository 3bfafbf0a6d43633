"""What makes a slide file this slide file, without reading all of it."""

from __future__ import annotations

import hashlib
import os

BLOCK = 1 << 16
SAMPLES = 16


def identity_of(path: str | os.PathLike) -> str:
    """Sixteen digits of size, the first 64 kB and 16 blocks of 64 kB spread evenly over the file."""
    size = os.path.getsize(path)
    state = hashlib.sha256(str(size).encode())
    with open(path, "rb") as handle:
        for index in range(SAMPLES + 1):
            handle.seek(max(0, (size - BLOCK) * index // SAMPLES))
            state.update(handle.read(BLOCK))
    return state.hexdigest()[:16]
