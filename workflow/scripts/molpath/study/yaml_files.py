"""YAML files of users: read with their mistakes reported by line, column and what to write."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import yaml

from ..common.file_kinds import foreign_format, not_utf8
from ..common.given_text import Refused, check_yaml_size
from .problems import Problems
from .yaml_mistakes import explain, odd_indentation, shown

#: The safe loader in C where PyYAML has it: ten times faster, and every job reads these files.
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
TWICE = "keep one: YAML takes the last"


def load_yaml(path: str | Path) -> Any:
    """Contents of a YAML file; raises ProblemsFound where it can't be read, or says a key twice."""
    problems = Problems()
    contents = None
    text = read_text(path, problems)
    problems.stop()
    try:
        loader = SAFE_LOADER(text)
        node = loader.get_single_node()
        check_yaml_size(node)
        for line, key in repeated_keys(node):
            problems.add(f"{path}, line {line}", f"key {key!r} occurs twice", TWICE)
        contents = None if node is None else loader.construct_document(node)
        if mistake := odd_indentation(text):
            problems.add(f"{path}, line {mistake.line}", mistake.wrong, mistake.remedy)
    except Refused as error:
        problems.add(str(path), *str(error).split(": ", 1))
    except yaml.MarkedYAMLError as error:
        if (document := as_json(text)) is not None:
            return document
        mistake = explain(text, error)
        column = f", column {mistake.column}" if mistake.column else ""
        problems.add(f"{path}, line {mistake.line}{column}", mistake.wrong, mistake.remedy)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        wrong = f"a character that can't be printed: {shown(text.split(chr(10))[line - 1])}"
        problems.add(f"{path}, line {line}", wrong, "delete it")
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problems.add(str(path), f"no valid YAML: {error}", "put words that look like dates in quotes")
    problems.stop()
    return contents


def read_text(path: str | Path, problems: Problems) -> str:
    """Text of a file in UTF-8; '' where there is a problem."""
    try:
        data = Path(path).read_bytes()
    except IsADirectoryError:
        problems.add(str(path), "is a directory, and a file is expected", "name the file in it")
        return ""
    except PermissionError:
        problems.add(str(path), "may not be read by you", f"ask its owner to let you read it (chmod a+r {path})")
        return ""
    except OSError as error:
        problems.add(str(path), (error.strerror or "can't be read").lower(), "name a YAML file that can be read")
        return ""
    if foreign := foreign_format(data[:4096]):
        remedy = foreign[1] if "iconv" in foreign[1] else "write it in a text editor (config/config.yaml shows how)"
        problems.add(str(path), f"this is {foreign[0]}, and text in UTF-8 is expected", remedy)
        return ""
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        problems.add(f"{path}, line {data.count(10, 0, error.start) + 1}", *not_utf8(data, error.start))
        return ""


def as_json(text: str) -> Any:
    """The document of a text in JSON; None for any other."""
    try:
        return json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None


def repeated_keys(node: Any) -> list[tuple[int, str]]:
    """Line and name of each key that occurs twice in one map of a composed YAML document."""
    repeated, waiting, visited = [], [node], set()
    while waiting:
        node = waiting.pop()
        if id(node) in visited or not isinstance(node, yaml.CollectionNode):
            continue
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        names = set()
        for key, value in node.value:
            waiting.append(value)
            if isinstance(key, yaml.ScalarNode) and key.value != "<<":
                if (key.tag, key.value) in names:
                    repeated.append((key.start_mark.line + 1, key.value))
                names.add((key.tag, key.value))
    return sorted(repeated)


def keys_given_twice(path: str | Path) -> list[tuple[int, str]]:
    """The same of a config file that Snakemake has read: JSON or YAML, in which YTE may make several keys of one."""
    try:
        with open(path, encoding="utf-8") as handle:
            text = handle.read()
        return [] if "__use_yte__" in text else repeated_keys(yaml.compose(text, Loader=SAFE_LOADER))
    except (OSError, ValueError, yaml.YAMLError):  # Snakemake interprets it itself
        return []


def shipped_yaml(path: str | Path) -> Any:
    """Contents of a YAML file that ships with the workflow, shared by all callers: do not change them."""
    state = os.stat(path)
    return _parsed_once(str(path), state.st_mtime_ns, state.st_size)


@functools.lru_cache(maxsize=32)
def _parsed_once(path: str, mtime: int, size: int) -> Any:
    return load_yaml(path)
