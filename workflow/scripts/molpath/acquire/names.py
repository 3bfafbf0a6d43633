"""Names given by services as names that the sheets accept."""

from __future__ import annotations

import re


def fit_for_a_file(name: str) -> str:
    """A name of letters, digits and . _ - only, as the sheets require."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._-")
