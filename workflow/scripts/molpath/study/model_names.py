"""What models that differ only in their seed are called together."""

from __future__ import annotations

import os


def name_of_kind(names: list[str]) -> str:
    """What models that differ only in their seed are called together: the common beginning of their names."""
    if len(names) == 1:
        return names[0]
    alike = os.path.commonprefix(names).rstrip("0123456789")
    for mark in ("-seed", "_seed", "-s", "_s"):
        alike = alike.removesuffix(mark)
    return alike.rstrip("-_.") or names[0]
