"""The config with the schema's defaults, and where the files lie that it names."""

from __future__ import annotations

import copy
import functools
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from .yaml_files import load_yaml as load_yaml
from .yaml_files import shipped_yaml as shipped_yaml

#: A config, or a section of it, as YAML gives it and the schema fills it.
Config = dict[str, Any]
#: One row of a sheet: cells by column, the line number under "#".
Row = dict[str, Any]

LIBRARY = Path(__file__).resolve().parents[1]


class Wildcards(Protocol):
    """Wildcards of a job, as Snakemake hands them to input functions."""

    def __getattr__(self, name: str) -> str: ...


def resolve_reference(schema: Config, root: Config) -> Config:
    """Follow a local `$ref` of the schema."""
    if "$ref" in schema:
        return root["$defs"][str(schema["$ref"]).rsplit("/", 1)[-1]]  # type: ignore[no-any-return]
    return schema


def fill_defaults(values: Config, schema: Config, root: Config) -> None:
    """Put the schema's defaults into `values` wherever a key is missing, at every depth."""
    schema = resolve_reference(schema, root)
    for key, sub in schema.get("properties", {}).items():
        sub = resolve_reference(sub, root)
        if values.get(key) is None and "default" in sub:
            values[key] = copy.deepcopy(sub["default"])
        if key in values:
            values[key] = whole(values[key], sub)
        if isinstance(values.get(key), dict):
            fill_defaults(values[key], sub, root)
    entries = schema.get("additionalProperties")
    if isinstance(entries, dict):
        for key, value in values.items():
            if isinstance(value, dict) and key not in schema.get("properties", {}):
                fill_defaults(value, entries, root)


def whole(value: Any, schema: Config) -> Any:
    """256 where YAML gives 256.0 for an integer, alone, in a list or as an entry: it goes into names and ranges."""
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [whole(entry, schema["items"]) for entry in value]
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        return {key: whole(entry, schema["additionalProperties"]) for key, entry in value.items()}
    return value


def not_finite(values: Any, key_path: tuple[str, ...] = ()) -> Iterator[str]:
    """Keys whose values are .nan or .inf, which pass every limit of the schema."""
    if isinstance(values, float) and not math.isfinite(values):
        yield "/".join(key_path)
    parts = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, value in parts:
        yield from not_finite(value, (*key_path, str(key)))


def config_schema() -> Config:
    """The schema of the config."""
    return shipped_yaml(shipped_in_checkout("schemas/config.schema.yaml"))  # type: ignore[no-any-return]


def defaults_of(section: str) -> Config:
    """Every default of a section of the config, at every depth."""
    root = config_schema()
    values: Config = {}
    fill_defaults(values, root["$defs"][section], root)
    return values


def merge(base: Config, over: Mapping[str, Any]) -> Config:
    """`base` with `over` laid on it as Snakemake does: maps key by key, anything else replaced."""
    for key, value in over.items():
        present = base.get(key)
        base[key] = merge(present, value) if isinstance(present, dict) and isinstance(value, Mapping) else value
    return base


def shipped_in_checkout(name: str) -> str:
    """Path of a file that comes with the workflow; `name` is relative to `workflow/`."""
    return os.path.normpath(LIBRARY.parents[1] / name)


def same(path: str) -> str:
    """A path as it is."""
    return path


@dataclass(frozen=True)
class Places:
    """Where files lie: those that ship, those that the config names, those that rules make.

    shipped: path of a file that comes with the workflow, by its name relative to `workflow/`. mark: what an input of
    the user is wrapped in, so that it stays where it is when the workflow is a module with a prefix. config_files: in
    the order given; the last one wins. lint: true where only the code is looked at. provider: the default storage
    provider, '' where there is none. of_new_slides: true for the study of the slides of predict/slides, inside another.
    """

    shipped: Callable[[str], str] = shipped_in_checkout
    mark: Callable[[str], str] = same
    config_files: Sequence[str] = ()
    results: str = "results"
    resources: str = "resources"
    lint: bool = False
    provider: str = ""
    of_new_slides: bool = False
    _resolved: dict[tuple[str, str], str] = field(default_factory=dict)

    def find(self, name: str) -> str:
        """A file the config names: in the working directory, else beside a config file (the last given first)."""
        for candidate in (Path(name), *(folder / name for folder in self._folders())):
            if candidate.exists():
                return str(candidate)
        return str(name)

    def find_given(self, name: str) -> str:
        """The same, or nothing where the config names none."""
        return self.find(name) if name else ""

    def resolve(self, name: str, sheet: str) -> str:
        """A path written in a sheet: as it is if absolute, else beside the sheet, else in the working directory."""
        if not name or os.path.isabs(name):
            return name
        if (name, sheet) not in self._resolved:
            beside = os.path.join(os.path.dirname(sheet), name)
            self._resolved[name, sheet] = beside if os.path.exists(beside) else name
        return self._resolved[name, sheet]

    def given(self, path: str) -> str:
        """An input that the user gives, marked as such; what rules of this workflow make is not."""
        return path if self.is_made(path) else self.mark(path)

    def is_made(self, path: str) -> bool:
        """True for files that a rule of `acquire` or `demo` makes under the resources folder."""
        return str(path).startswith(f"{self.resources}/")

    def guide(self) -> str:
        """The page that says what belongs in sheets: README.md beside a config file (the last given first)."""
        pages = (str(folder / "README.md") for folder in self._folders())
        return next(filter(os.path.exists, pages), "config/README.md")

    def _folders(self) -> Iterator[Path]:
        return (Path(file).parent for file in reversed(self.config_files))


@functools.cache
def library_files() -> tuple[str, ...]:
    """Every file of the library, relative to its root."""
    return tuple(shipped_yaml(LIBRARY / "files.yaml"))
