"""User texts that reach jobs, captions and pages: refused where they could be taken for more than text.

Pages escape what they show, all the same. But a rule's params also get into a script of Snakemake's report, in which
`</script>` ends it, and a line break begins a directive of reStructuredText in a caption.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from ..common.tsv import BadTable, read_cells
from .problems import Problems

#: Control characters, rare line ends, marks that turn the direction of writing; not the separators of table cells.
CONTROLS = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
#: Ends and beginnings of elements; `<NA>`, `<LOD`, `a<b` and `Name <name@example.org>` are data.
SHORT = "a|b|i|p|u|br|em|hr|li|ol|td|th|tr|ul|h[1-6]"
LONG = (
    "abbr|audio|base|body|button|canvas|code|details|div|embed|font|form|frame|head|html|iframe|img|input|link|"
    "marquee|math|meta|object|pre|script|select|span|strong|style|svg|table|template|textarea|title|video"
)
TAG = rf"<(?:[/!?]|(?:{LONG})(?=[\s/>])|(?:{SHORT})>)"
REFUSED_IN_FILES = re.compile(rf"[{CONTROLS}]|{TAG}", re.IGNORECASE)
REFUSED = re.compile(rf"[\t\n\r{CONTROLS}]|{TAG}", re.IGNORECASE)
#: Letters of a text that a message shows.
SHOWN = 40


def why_refused(text: str) -> tuple[str, str] | None:
    """What is wrong with a text and what to do; None for one that is taken."""
    match = REFUSED.search(text)
    if match is None:
        return None
    shown = repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
    if match[0].startswith("<"):
        return f"{shown} looks like HTML ({match[0]!r})", "take the < out, or put a space after it"
    return (
        f"{shown} has a control character or line break (U+{ord(match[0]):04X})",
        "write it on one line, in letters that can be seen (in YAML `>-` joins lines)",
    )


def texts_of(values: Any, key_path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every text of a config at every depth, names of keys too: keys from the top, text."""
    if isinstance(values, str):
        yield "/".join(key_path), values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield "/".join(key_path), str(key)
            yield from texts_of(value, (*key_path, shown_key(str(key))))
    elif isinstance(values, list):
        for number, value in enumerate(values):
            yield from texts_of(value, (*key_path, str(number)))


def shown_key(key: str) -> str:
    """A key as a message can hold it."""
    return key if REFUSED.search(key) is None else repr(key)


def check_config(location: str, values: Any, problems: Problems) -> None:
    """Texts of a config, or of a task's config.yaml; location: how a message names it."""
    for key, text in texts_of(values):
        if refused := why_refused(text):
            problems.add(f"{location}, key {key or 'top level'}", *refused)


def check_sheet(path: str, problems: Problems) -> None:
    """Names of columns and cells of one sheet; each column is reported once.

    A missing or unreadable sheet passes: the checks of sheets report it.
    A sheet is read as a whole first: most have no such text.
    """
    if not os.path.isfile(path):
        return
    try:
        with open(path, encoding="utf-8-sig") as handle:
            if REFUSED_IN_FILES.search(handle.read()) is None:
                return
        cells = read_cells(path)
    except (BadTable, UnicodeError):
        return
    reported = set()
    for number, name in enumerate(cells.columns):
        if refused := why_refused(name):
            reported.add(number)
            problems.add(f"{path}, header, column {number + 1}", *refused)
    for row, line in zip(cells.rows, cells.lines, strict=True):
        for number, cell in enumerate(row):
            if number not in reported and (refused := why_refused(cell)):
                reported.add(number)
                problems.add(f"{path}, row {line}, column {cells.columns[number]}", *refused)


def check_free_text(config: Any, sheets: Iterable[str], tasks: Iterable[tuple[str, Any]], problems: Problems) -> None:
    """All texts that a study is made of.

    sheets: paths of slide, case and profile sheets and of the tasks' tables. tasks: path and contents of their
    config.yaml.
    """
    check_config("config", config, problems)
    for sheet in dict.fromkeys(filter(None, sheets)):
        check_sheet(sheet, problems)
    for path, contents in tasks:
        check_config(path, contents, problems)
