"""YAML of others, whose aliases may expand to far more than the file holds."""

from __future__ import annotations

import os
from typing import Any

from .given_text import Refused, check_yaml_size


def read_yaml(path: str | os.PathLike[str]) -> Any:
    """The document of a YAML file. Raises Refused if its aliases expand to too much, YAMLError if it is invalid."""
    import yaml

    with open(path, "rb") as handle:
        try:
            text = handle.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Refused(f"{path} is not in UTF-8 (byte {error.start}): save it so") from None
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
        node = loader.get_single_node()
        try:
            check_yaml_size(node)
        except Refused as error:
            raise Refused(f"{path}: {error}") from None
        return None if node is None else loader.construct_document(node)
