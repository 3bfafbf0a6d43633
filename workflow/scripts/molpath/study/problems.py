"""Problems of config and sheets: where, what is wrong, what to do. All are shown at once, before any job starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from jsonschema import ValidationError

from ..common.tsv import BadTable
from .hints import did_you_mean, for_number, for_spreadsheet, for_text, for_type

#: Problems that one message shows; the rest are counted.
SHOWN = 50
#: Letters of a value that a message shows, and JSON Schema's types in words.
LONGEST = 60
TYPES = {
    "object": "a map of keys",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}


class ProblemsFound(Exception):
    """Config and sheets can't be run as they are; the message lists every problem."""


class Problems:
    """Problems in the order in which they were found."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, location: str, wrong: str, remedy: str) -> None:
        """Remember one problem."""
        self.found.append(f"{location}: {wrong}\n    -> {remedy}")

    def add_schema_error(self, location: str, error: ValidationError) -> None:
        """Remember what a schema found."""
        self.add(location, short_message(error), advice(error))

    def add_table_error(self, error: BadTable) -> None:
        """Remember why a sheet can't be read."""
        self.add(error.where, error.wrong, error.remedy)

    def knows(self, location: str, kind: str, name: str, known_names: Iterable[str]) -> bool:
        """True if `name` is among the known ones; a problem otherwise."""
        names = list(known_names)
        if name not in names:
            choices = ", ".join(sorted(names)) or "none"
            remedy = f"{did_you_mean(name, names)}Define it, or use one of: {choices}"
            self.add(location, f"no {kind} is called {name!r}", remedy[:1].lower() + remedy[1:])
            return False
        return True

    def stop(self) -> None:
        """Raise one message with every problem, if there is any."""
        if self.found:
            count = f"{len(self.found)} problem{'s' if len(self.found) > 1 else ''}"
            shown = "\n".join(f"  {problem}" for problem in self.found[:SHOWN])
            more = f"\n  … and {len(self.found) - SHOWN} more" if len(self.found) > SHOWN else ""
            raise ProblemsFound(f"{count} in config and sheets; no job was started.\n{shown}{more}")


def place(error: ValidationError) -> str:
    """The place of a schema error in a YAML file: its keys from the top, separated by slashes."""
    keys = [str(key) for key in error.absolute_path]
    return str(PurePosixPath(*keys)) if keys else "top level"


def as_found(error: ValidationError) -> tuple[Any, Any, Any]:
    """Value, schema and what the failing keyword asks for, which jsonschema declares as possibly unset."""
    return error.instance, error.schema, error.validator_value


def as_yaml(value: Any) -> str:
    """A value as a user may have written it, short."""
    spellings = {None: "nothing", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return spellings[value]
    shown = repr(value)
    return shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}…"


def short_message(error: ValidationError) -> str:
    """What a schema error says, without a dump of the value's whole contents."""
    instance, schema, expected = as_found(error)
    if error.validator == "additionalProperties":
        unknown = sorted(set(instance) - set(schema.get("properties", {})), key=str)
        return f"unknown key{'s' if len(unknown) > 1 else ''} {', '.join(map(repr, unknown))}"
    if error.validator == "required":
        missing = [name for name in expected if name not in instance]
        return f"{', '.join(map(repr, missing))} is missing"
    if error.validator == "type":
        types = [expected] if isinstance(expected, str) else list(expected)
        type_names = " or ".join(TYPES.get(item, item) for item in types if item != "null")
        return f"{as_yaml(instance)} is not {type_names}"
    if error.validator == "uniqueItems":
        repeated = next(item for i, item in enumerate(instance) if item in instance[:i])
        return f"{repeated!r} occurs twice"
    message = str(error.message)
    return message if len(message) < 200 else message[:200] + " …"


def placed_elsewhere(name: object, schema: dict[str, Any]) -> str:
    """Where an unknown key at the top belongs; '' in a section, or where no section has such a key."""
    sections = (
        {
            key: schema["$defs"][str(sub["$ref"]).rsplit("/", 1)[-1]]
            for key, sub in schema["properties"].items()
            if "$ref" in sub
        }
        if "$defs" in schema
        else {}
    )
    section_names = [key for key, section in sections.items() if name in section.get("properties", {})]
    return f"{name} belongs below {' or '.join(section_names)}, indented; " if section_names else ""


def advice(error: ValidationError) -> str:
    """What to do about a schema error: the keys or values there are, or the key's description."""
    value, schema, expected = as_found(error)
    usual = str(schema.get("description") or "") or "see config/README.md"
    if error.validator == "additionalProperties":
        known_keys = sorted(schema.get("properties", {}))
        unknown = sorted(set(value) - set(known_keys), key=str)
        hint_of_key = "".join(did_you_mean(name, known_keys) for name in unknown[:3]) or placed_elsewhere(
            unknown[0], schema
        )
        return f"{hint_of_key}known keys: {', '.join(known_keys)}"
    if error.validator == "enum":
        hint = "" if value is None else did_you_mean(value, [choice for choice in expected if choice])
        return f"{hint}one of: {', '.join(repr(choice) for choice in expected)}"
    if error.validator == "uniqueItems":
        return "keep one"
    if error.validator == "type":
        return for_type(value, expected) or usual
    if isinstance(value, str):
        return for_text(value) or for_number(value) * ("icrometre" in usual) or for_spreadsheet(value) or usual
    return usual
