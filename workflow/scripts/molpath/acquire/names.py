"""Names given by services as names that the sheets accept."""

from __future__ import annotations

import re
from collections.abc import Iterable


def fit_for_a_file(name: str) -> str:
    """A name of letters, digits and . _ - only, as the sheets require."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name).lstrip("._-")


def check_distinct(cases: Iterable[str], key: str) -> None:
    """Raise ValueError if two cases of a cohort (`key` of the config) would get one name, and so each other's files."""
    names: dict[str, str] = {}
    for case in cases:
        name = fit_for_a_file(case)
        if names.setdefault(name, case) != case:
            raise ValueError(
                f"{key}: cases {names[name]} and {case} would both be called {name} in the sheets; give their projects "
                "or collections cohorts of their own"
            )
