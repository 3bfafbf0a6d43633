"""Names of services as names of ours."""

from __future__ import annotations

import re


def fit_for_a_file(name: str) -> str:
    """A name of letters, digits and . _ - (sheets ask for it)."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._-")
