"""What `molpath init` will write: config, sheets and tasks of a study, and the messages about them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: How many names a message shows.
SHOWN = 3


class Refusal(Exception):
    """A study can't be set up as requested: what was found, and what to do."""


@dataclass
class Draft:
    """A study before it is written.

    config: contents of config/config.yaml, only what was chosen. files: further text files by path below the study
    folder. guesses: (topic, value, the option that overrides it), printed in this order. counts: lines of numbers.
    notes: further remarks. after: commands besides the usual ones, each with its purpose.
    """

    config: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    guesses: list[tuple[str, str, str]] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    after: list[tuple[str, str]] = field(default_factory=list)

    def guess(self, topic: str, value: str, option: str) -> None:
        """Record a guess."""
        self.guesses.append((topic, value, option))


def kept(path: str | os.PathLike[str], study: str | os.PathLike[str]) -> str:
    """A path as the study names it: relative inside the study's folder, which may be moved; else absolute."""
    absolute, folder = os.path.abspath(path), os.path.abspath(study)
    return os.path.relpath(absolute, folder) if absolute.startswith(f"{folder}{os.sep}") else absolute


def some(names: Iterable[str]) -> str:
    """The first few names, for a message."""
    all_names = list(names)
    return ", ".join(all_names[:SHOWN]) + ", …" * (len(all_names) > SHOWN)


def number(count: int, singular: str, plural: str = "") -> str:
    """`1 slide`, `2 slides`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def table(rows: Sequence[dict[str, str]]) -> str:
    """Rows as a tab-separated sheet; a cell that a row lacks is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join(columns), *("\t".join(row.get(name, "") for name in columns) for row in rows)]
    return "\n".join(lines) + "\n"
