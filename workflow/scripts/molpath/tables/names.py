"""Names of columns and classes as pages show them: in one order everywhere, and no two that look alike."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence


def headings(names: Sequence[str]) -> list[str]:
    """Names of columns with spaces for underscores, see `told_apart`."""
    return told_apart(names, [name.replace("_", " ") for name in names])


def told_apart(names: Sequence[str], shown: Sequence[str]) -> list[str]:
    """`shown`, but the name itself, exactly and in quotes, wherever two texts would look alike.

    They do where they differ by case, by spaces (of which a browser shows one) or by letters that nobody sees alone.
    """
    counts = Counter(map(as_seen, shown))
    return [text if counts[as_seen(text)] == 1 else exactly(name) for name, text in zip(names, shown, strict=True)]


def as_seen(text: str) -> str:
    """Text without what a reader may miss."""
    plain = unicodedata.normalize("NFKC", text)
    return " ".join("".join(letter for letter in plain if letter.isprintable() or letter.isspace()).split()).casefold()


def exactly(name: str) -> str:
    """A name in quotes: every space is shown, and letters that can't be seen are written as \\uXXXX."""
    letters = [letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in name]
    if not unicodedata.is_normalized("NFKC", name):
        letters = [letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in letters]
    return f'"{"".join(letters)}"'.replace(" ", "\N{NO-BREAK SPACE}")


def in_order(cells: Iterable[str]) -> list[str]:
    """Values of a column, the commonest first, then by name; '' is none.

    Of the same cells, such as those of the whole sheet, every map and figure gives a value the same place and colour.
    """
    counts = Counter(cell for cell in cells if cell)
    return sorted(counts, key=lambda value: (-counts[value], value))
