"""Config with its defaults, sheets as rows, and small helpers every rule file uses. Functions only."""

import csv
import functools
import os
from pathlib import Path

import yaml

RESULTS = workflow.pathvars.apply("<results>")
RESOURCES = workflow.pathvars.apply("<resources>")
IS_MAIN = workflow.is_main_process


def load_yaml(path):
    """Contents of a YAML file of this repository, read so that it also works from a hosted workflow."""
    with open(path, encoding="utf-8") as handle:
        return yaml.safe_load(handle)


def fill_defaults(values, schema, root):
    """Put the schema's defaults into `values` (a dict) wherever a key is missing, at every depth."""
    schema = resolve_reference(schema, root)
    for key, sub in schema.get("properties", {}).items():
        sub = resolve_reference(sub, root)
        if values.get(key) is None and "default" in sub:
            values[key] = yaml.safe_load(yaml.safe_dump(sub["default"]))
        if isinstance(values.get(key), dict):
            fill_defaults(values[key], sub, root)
    entries = schema.get("additionalProperties")
    if isinstance(entries, dict):
        for key, value in values.items():
            if isinstance(value, dict) and key not in schema.get("properties", {}):
                fill_defaults(value, entries, root)


def resolve_reference(schema, root):
    """Follow a local `$ref` of the schema."""
    if "$ref" in schema:
        return root["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def find_file(name):
    """A file the config names: in the working directory, else beside a config file (the last given first)."""
    files = [*reversed(workflow.overwrite_configfiles), *workflow.configfiles]
    folders = [Path(file).parent for file in files]
    for candidate in (Path(name), *(folder / name for folder in folders)):
        if candidate.exists():
            return str(candidate)
    return str(name)


@functools.cache
def resolve_path(name, sheet):
    """A path written in a sheet: as it is if absolute, else beside the sheet, else in the working directory."""
    if not name or os.path.isabs(name):
        return name
    beside = os.path.join(os.path.dirname(sheet), name)
    return beside if os.path.exists(beside) else name


def given(path):
    """An input that the user gives: left where it is when this workflow is a module with a prefix."""
    return path if str(path).startswith(f"{RESOURCES}/") else local(path)


def read_sheet(path):
    """Rows of a tab-separated sheet as dicts of strings, with the line number under '#'. Missing file: no rows.

    Leading `#` lines are comments; a cell beyond the header is kept under None for validation to name.
    """
    if not path or not os.path.isfile(path):
        return []
    with open(path, encoding="utf-8-sig", newline="", errors="replace") as handle:
        position, line = 0, 1
        while (text := handle.readline()).startswith("#"):
            position, line = handle.tell(), line + 1
        handle.seek(position)
        reader = csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")
        return [row | {"#": number + line + 1} for number, row in enumerate(reader)]


def in_blocks(rows, size):
    """Consecutive blocks of `size` rows by name: 00000, 00001, …"""
    return {f"{i // size:05d}": rows[i : i + size] for i in range(0, len(rows), size)}


def grow(amount):
    """A resource that grows with each attempt: memory in MB or time in minutes."""

    def resource(wildcards, attempt):
        return amount * attempt

    return resource


def accepts_other_code(stage):
    """True if the config takes files of `stage` that an earlier version of the code made."""
    return stage in config["accept_other_code"]


CONFIG_SCHEMA = load_yaml(workflow.source_path("../schemas/config.schema.yaml"))
fill_defaults(config, CONFIG_SCHEMA, CONFIG_SCHEMA)
