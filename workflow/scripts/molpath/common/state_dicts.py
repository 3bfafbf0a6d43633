"""Whether the tensors of a file fit a network, by names and shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: How many names a message lists.
LISTED = 4


def differences(expected: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """What of `state` (arrays or tensors by name) doesn't fit a network's `expected`, as text; empty if all fits."""
    shapes = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in expected
        if name in state and state[name].shape != expected[name].shape
    ]
    wrong = {
        "missing": [name for name in expected if name not in state],
        "unexpected": [name for name in state if name not in expected],
        "of another shape": shapes,
    }
    return [f"{len(names)} {kind}: {_some(names)}" for kind, names in wrong.items() if names]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (", …" if len(names) > LISTED else "")
