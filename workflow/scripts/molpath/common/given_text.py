"""JSON and YAML of others: refuse endless nesting and aliases that expand to far too much, in planning too."""

from __future__ import annotations

import json
import os
from typing import Any

#: The longest JSON document, in bytes, and the most values of a YAML document with its aliases expanded.
LONGEST_JSON, MOST_NODES = 1 << 28, 1_000_000
AGAIN = "get it again from its source"


class Refused(ValueError):
    """A file of others is not opened; the message names it, and says what is wrong and what to do."""


def read_json(path: str | os.PathLike[str]) -> Any:
    """The document of a JSON file in UTF-8. Raises Refused unless it is one, OSError where it can't be read."""
    if (size := os.path.getsize(path)) > LONGEST_JSON:
        raise Refused(f"{path} holds {size >> 20} MiB of JSON, more than {LONGEST_JSON >> 20}: {AGAIN}")
    try:
        with open(path, encoding="utf-8-sig") as handle:
            return json.load(handle)
    except RecursionError:
        raise Refused(f"{path} is JSON that nests too deep: {AGAIN}") from None
    except ValueError as error:
        raise Refused(f"{path} is not JSON ({error}): {AGAIN}") from None


def check_yaml_size(node: Any) -> None:
    """Raise Refused for a composed YAML document whose aliases expand to too much, or to themselves."""
    sizes: dict[int, int] = {}
    waiting: list[tuple[Any, bool]] = [(node, False)]
    while waiting:
        current, expanded = waiting.pop()
        if current is None or current.id == "scalar":
            continue
        children = [child for pair in current.value for child in pair] if current.id == "mapping" else current.value
        if expanded:
            sizes[id(current)] = 1 + sum(sizes.get(id(child), 1) for child in children)
            if sizes[id(current)] > MOST_NODES:
                raise Refused(f"more than {MOST_NODES} values with its aliases expanded: write it without aliases")
        elif id(current) not in sizes:
            sizes[id(current)] = MOST_NODES + 1  # till it is done: an alias below to itself counts as too many
            waiting.append((current, True))
            waiting += [(child, False) for child in children]
        elif sizes[id(current)] > MOST_NODES:
            raise Refused("an alias that contains itself, or expands to too much: write it without aliases")
