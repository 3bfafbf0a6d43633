"""What to write instead: the nearest name that is known, and remedies for values of a wrong type."""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Iterable
from typing import Any

#: Quotation marks of word processors, which belong to a value like any letter.
CURLY = "\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb"
#: Characters that can't be seen, or only look like a space.
ODD_SPACES = re.compile(r"[\u00a0\u2000-\u200f\u202f\u2060\u3000\ufeff]")
#: In a folder with fewer names, all are compared.
FEW = 500
#: What people write for yes and no.
YES, NO = ("yes", "true", "on", "y", "1"), ("no", "false", "off", "n", "0")


def nearest(name: object, known_names: Iterable[object]) -> str:
    """The known name that is most like `name`, whatever their case; '' where none is."""
    by_lower = {str(candidate).lower(): str(candidate) for candidate in known_names}
    word = ODD_SPACES.sub("", str(name)).strip(CURLY + "\"' ").lower()
    parts = [
        candidate
        for candidate in by_lower
        if len(word) > 2 and (candidate.startswith(word) or candidate.endswith(word))
    ]
    matches = parts if len(parts) == 1 and word not in by_lower else difflib.get_close_matches(word, by_lower, 1, 0.7)
    return by_lower[matches[0]] if matches else ""


def did_you_mean(name: object, known_names: Iterable[object]) -> str:
    """'did you mean …? ' for a remedy to begin with; '' without a similar name."""
    match = nearest(name, known_names)
    return f"did you mean {match!r}? " if match and match != str(name) else ""


def for_text(value: str) -> str:
    """What to do about a text that is wrong whatever it means; '' without a hint."""
    if odd := ODD_SPACES.search(value):
        return f"type it again: it holds a character that can't be seen (U+{ord(odd[0]):04X})"
    if value[:1] in CURLY and value:
        return f"use straight quotation marks or none: {value.strip(CURLY + ' ')}"
    if value != value.strip():
        return f"delete the spaces around it: {value.strip()}"
    return ""


def for_path(path: str) -> str:
    """What to do about a path that doesn't exist; '' without a hint."""
    if hint := for_text(path):
        return hint
    full_path = os.path.expanduser(os.path.expandvars(path))
    if full_path != path:
        return f"write the whole path, for ~ and $ stay as they are here: {full_path}"
    if path.startswith("~") or "$" in path:
        return "write the whole path, for ~ and $ stay as they are here"
    if "\\" in path:
        return f"write forward slashes: {path.replace(chr(92), '/')}"
    if "*" in path or "?" in path:
        return "name one file or folder: * and ? stay as they are here"
    neighbour = beside(path)
    return f"did you mean {neighbour}? Paths are relative to the sheet or the working directory" if neighbour else ""


def beside(path: str) -> str:
    """A file in the same folder whose name has other capitals, another ending or, of few, a slip; '' without one."""
    folder, name = os.path.split(path)
    try:
        state = os.stat(folder or os.curdir)
        names = names_in(folder or os.curdir, state.st_mtime_ns)
    except OSError:
        return ""
    neighbour = names.get(name.lower()) or names.get(os.path.splitext(name)[0].lower())
    if not neighbour and len(names) < FEW:
        neighbour = nearest(name, names.values())
        neighbour = neighbour if re.sub(r"\D", "", neighbour) == re.sub(r"\D", "", name) else ""
    return os.path.join(folder, neighbour) if neighbour and neighbour != name else ""


@functools.lru_cache(maxsize=64)
def names_in(folder: str, state: int) -> dict[str, str]:
    """Names in a folder by their letters in lower case, with and without their ending."""
    names = sorted(os.listdir(folder))
    return {os.path.splitext(name)[0].lower(): name for name in names} | {name.lower(): name for name in names}


def for_type(value: Any, expected: Any) -> str:
    """What to write where a value is of another type than `expected` (types of JSON Schema); '' without a hint."""
    types = [expected] if isinstance(expected, str) else list(expected)
    if value is None:
        return "write a value, or delete the key to take the default"
    if isinstance(value, str):
        return for_text(value) or for_words(value, types)
    if "string" in types and isinstance(value, bool):
        return (
            f"put the word in quotes ('{'yes' if value else 'no'}'): YAML takes yes, no, on and off for true and false"
        )
    if "string" in types and isinstance(value, (int, float)):
        return f"put it in quotes: '{value}'"
    if "array" in types:
        return f"write a list: [{value}]" if not isinstance(value, dict) else "write a list: begin each entry with '- '"
    if isinstance(value, list):
        element = value[0] if len(value) == 1 and not isinstance(value[0], (dict, list)) else ""
        return (
            "write keys and values below it, without - before them"
            if "object" in types
            else (f"write one value, without brackets: {element}".rstrip(": "))
        )
    if isinstance(value, dict) and "object" not in types:
        return "write one value, without keys below it"
    return ""


def for_words(value: str, types: list[str]) -> str:
    """The same for a text."""
    if "object" in types:
        match = re.match(r"([\w.-]+) ?[:=]\s*(\S.*)", value)
        return (
            f"write `{match[1]}: {match[2]}`, with a space after the colon"
            if match
            else ("write keys below it, each in a line of its own: `key: value`")
        )
    if "array" in types:
        items = [item for item in re.split(r"[,;\s]+-?|^-", value) if item]
        return f"write a list: [{', '.join(items)}]" + " (a - needs a space after it)" * value.startswith("-")
    if "boolean" in types:
        word = value.lower()
        return (
            f"write {'true' if word in YES else 'false'}, without quotes" if word in YES + NO else "write true or false"
        )
    if "number" in types or "integer" in types:
        plain = re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", value.strip())
        return f"write it without quotes: {value}" if plain else for_number(value)
    return ""


def for_number(value: str) -> str:
    """What to write for a text that should be a number; '' without a hint."""
    value = value.strip()
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+", value) and not value.startswith("0"):
        return f"write it without a thousands separator: {value.replace(',', '')}"
    if re.fullmatch(r"[-+]?\d+,\d+", value):
        return f"use a decimal point: {value.replace(',', '.')}"
    if re.fullmatch(r"[-+]?\d{1,3}([ '_.]\d{3})+", value) and value.count(".") != 1:
        return f"write it without a thousands separator: {re.sub(r'[^-+0-9]', '', value)}"
    if re.fullmatch(r"\d+(\.\d+)? ?%", value):
        return f"write it as a share: {float(value.rstrip('% ')) / 100:g}"
    if match := re.fullmatch(r"([-+]?\d+(?:[.,]\d+)?) ?(?:[xX×%]|[a-zA-Zµμ]+(?:/\w+)?)", value):
        return f"write the number alone: {match[1].replace(',', '.')}"
    return ""


def for_id(name: str, known_ids: Iterable[object]) -> str:
    """What to do about an id that should be among the known ones and isn't; '' without a hint."""
    ids = [str(known_id) for known_id in known_ids]
    rules = (
        (str.lower, "ids are case-sensitive"),
        (lambda text: text.strip(), "delete the spaces around it"),
        (lambda text: ODD_SPACES.sub("", text).strip(), "type it again: it holds a character that can't be seen"),
        (lambda text: text.lstrip("0"), "a spreadsheet removed its zeros: format the column as text before pasting"),
        (
            lambda text: re.sub(r"\.0+$", "", text),
            "a spreadsheet or pandas turned it into a number: read the column as text",
        ),
        (lambda text: re.sub(r"[ ._-]+", "-", text).lower(), "ids must be the same letter by letter"),
    )
    for alike, remedy in rules:
        match = next((known_id for known_id in ids if known_id != name and alike(known_id) == alike(name)), None)
        if match is not None:
            return f"did you mean {match!r}? {remedy[0].upper()}{remedy[1:]}"
    return for_spreadsheet(name)


def for_spreadsheet(name: str) -> str:
    """What to do about an id that a spreadsheet has changed; '' without a hint."""
    months = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    if re.fullmatch(rf"\d{{1,2}}-({months})(-\d{{2,4}})?|({months})-\d{{1,4}}", name, re.IGNORECASE):
        return "a spreadsheet turned it into a date: format the column as text before pasting, and write the id again"
    if re.fullmatch(r"\d(\.\d+)?[eE]\+?\d+", name):
        return "a spreadsheet shortened it: format the column as text before pasting, and write the id again"
    if re.match(r"#(REF|N/A|NAME|VALUE|DIV)", name):
        return "a formula of the spreadsheet failed: write the value itself"
    return ""
