"""What `molpath init` is about to write: config, sheets and tasks of a study, and what is said about them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

#: How many names a message shows.
SHOWN = 3


class Refusal(Exception):
    """A study can't be set up as asked: what was found, and what to do."""


@dataclass
class Draft:
    """A study before it is written.

    config: contents of config/config.yaml, only what was chosen. files: further text files by path below the study
    folder. guesses: (what, taken, the option that overrides it), said aloud in this order. counts: lines of numbers.
    notes: what is worth a line. after: commands beside the usual ones, with a word each.
    """

    config: dict[str, Any]
    files: dict[str, str] = field(default_factory=dict)
    guesses: list[tuple[str, str, str]] = field(default_factory=list)
    counts: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    after: list[tuple[str, str]] = field(default_factory=list)

    def guess(self, what: str, taken: str, option: str) -> None:
        """Remember a guess."""
        self.guesses.append((what, taken, option))


def kept(path: str | os.PathLike[str], study: str | os.PathLike[str]) -> str:
    """A path as the study names it: relative inside the study's folder, which can then move; else absolute."""
    whole, folder = os.path.abspath(path), os.path.abspath(study)
    return os.path.relpath(whole, folder) if whole.startswith(f"{folder}{os.sep}") else whole


def some(names: Iterable[str]) -> str:
    """The first names of many, for a message."""
    every = list(names)
    return ", ".join(every[:SHOWN]) + ", …" * (len(every) > SHOWN)


def number(count: int, word: str, words: str = "") -> str:
    """`1 slide`, `2 slides`."""
    return f"{count:,} {word if count == 1 else words or word + 's'}"


def table(rows: Sequence[dict[str, str]]) -> str:
    """Rows as a tab-separated sheet; a cell that a row lacks is empty."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    lines = ["\t".join(columns), *("\t".join(row.get(name, "") for name in columns) for row in rows)]
    return "\n".join(lines) + "\n"
