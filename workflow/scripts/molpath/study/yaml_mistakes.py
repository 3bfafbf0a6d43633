"""What is wrong with a file that is no YAML, in words for the person who wrote it: line, column, what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import yaml

#: Letters of a line that a message shows.
SHOWN = 60
#: Characters that look like a space: YAML treats them as part of a word.
ODD_SPACES = re.compile(r"^ *[\u00a0\u2000-\u200b\u202f\u3000]")
#: What a message would not show.
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\xa0\u2000-\u200b\u202f\u3000]")
PAIRS = {"{": "}", "[": "]"}


class Mistake(NamedTuple):
    """line and column count from 1; column 0: the line as a whole."""

    line: int
    column: int
    wrong: str
    remedy: str


class Place(NamedTuple):
    """Where the parser stumbled, and where what it was reading began. Lines and columns count from 0."""

    lines: list[str]
    line: int
    column: int
    begun: tuple[int, int]
    problem: str
    context: str

    @property
    def text(self) -> str:
        """The line itself."""
        return self.lines[self.line]

    @property
    def above(self) -> int:
        """Number of the last line above that is neither empty nor a comment; -1 if there is none."""
        numbers = range(self.line - 1, -1, -1)
        return next((n for n in numbers if self.lines[n].strip() and not self.lines[n].lstrip().startswith("#")), -1)


def shown(line: str) -> str:
    """A line as a message shows it: tabs and odd spaces can be seen, backslashes stay single."""
    line = line.rstrip("\r\n ")
    line = line if len(line) <= SHOWN else f"{line[:SHOWN]}…"
    return f"'{re.sub(UNSEEN, lambda match: repr(match[0])[1:-1], line)}'"


def explain(text: str, error: yaml.MarkedYAMLError) -> Mistake:
    """The mistake that made PyYAML stop."""
    mark = error.problem_mark or error.context_mark
    begun = error.context_mark or mark
    lines = text.split("\n")
    if mark is None or begun is None:
        return Mistake(1, 0, f"no valid YAML ({error.problem or error.context})", "correct it")
    line = min(mark.line, len(lines) - 1)
    place = Place(lines, line, mark.column, (begun.line, begun.column), error.problem or "", error.context or "")
    for look in (tabs, signs, quotes, brackets, colons, indentation, other_mistakes):
        if mistake := look(place):
            return mistake
    wrong = f"no valid YAML ({place.problem or place.context}): {shown(place.text)}"
    return Mistake(line + 1, place.column + 1, wrong, "correct the line, or the one above it")


def tabs(place: Place) -> Mistake | None:
    """A line that a tab indents."""
    if not re.match(r" *\t", place.text) or "tab" not in place.problem and place.text[place.column :][:1] != "\t":
        return None
    column = place.text.index("\t") + 1
    return Mistake(
        place.line + 1, column, f"a tab indents {shown(place.text)}", "use spaces, as in the lines around it"
    )


def signs(place: Place) -> Mistake | None:
    """A value that begins with a character which means something else in YAML."""
    line, column = place.line, place.column
    if re.search("scanning an (alias|anchor)|scanning a (tag|directive)", place.context) or "alias" in place.problem:
        line, column = place.begun
    elif "cannot start any token" not in place.problem and "constructor for the tag" not in place.problem:
        return None
    remainder = place.lines[line][column:].strip()
    if not remainder:
        return None
    wrong = f"a value can't begin with {remainder[0]} unless it is in quotes: {shown(place.lines[line])}"
    quoted = remainder.rstrip(",]}") if remainder[0] == "*" else remainder
    return Mistake(line + 1, column + 1, wrong, f"write '{quoted}'")


def quotes(place: Place) -> Mistake | None:
    """Quotes that are not closed, and backslashes within them."""
    if "quoted scalar" not in place.context:
        return None
    line, column = place.begun
    if "escape" in place.problem:
        wrong = f"a backslash in double quotes begins a special character: {shown(place.text)}"
        return Mistake(place.line + 1, place.column, wrong, "use single quotes, or forward slashes")
    mark = place.lines[line][column]
    odd = [n for n in range(line + 1) if place.lines[n].split(" #")[0].count(mark) % 2]
    line = odd[0] if odd else line
    column = place.lines[line].index(mark) if odd else column
    wrong = f"the quotation mark {mark} is not closed: {shown(place.lines[line])}"
    return Mistake(line + 1, column + 1, wrong, f"put another {mark} at the end of the value")


def brackets(place: Place) -> Mistake | None:
    """Brackets that are not closed, and missing commas."""
    if "flow" not in place.context:
        return None
    line, column = place.begun
    opened = place.lines[line][column : column + 1]
    remainder = place.text[place.column :].strip()
    if place.line == line and remainder:
        wrong = f"a comma or closing bracket is missing before {shown(remainder)}: {shown(place.text)}"
        return Mistake(
            line + 1, place.column + 1, wrong, "put a comma between entries, as in {key: value, other: value}"
        )
    if opened not in PAIRS:
        opened = next((mark for mark in "{[" for text in place.lines[: line + 1] if mark in text), "[")
        line = next(n for n in range(line, -1, -1) if opened in place.lines[n] or not n)
        column = max(0, place.lines[line].find(opened))
    wrong = f"the bracket {opened} is not closed: {shown(place.lines[line])}"
    return Mistake(line + 1, column + 1, wrong, f"put {PAIRS[opened]} at its end")


def colons(place: Place) -> Mistake | None:
    """A key without its colon, a colon without its space, a second colon in a value."""
    if "simple key" in place.context:
        return without_colon(place, place.begun[0])
    if "mapping values are not allowed" not in place.problem:
        return None
    first = re.match(r"\s*(?:- +)?([^:#]+): +(\S.*)$", place.text)
    if first and first.start(2) <= place.column:
        wrong = f"a second colon with a space after it: {shown(place.text)}"
        return Mistake(place.line + 1, place.column + 1, wrong, f'put the value in quotes: {first[1]}: "{first[2]}"')
    if place.above >= 0:
        if mistake := without_colon(place, place.above):
            return mistake
        wrong = f"{shown(place.text)} is indented more than {shown(place.lines[place.above])}, which has a value"
        return Mistake(place.line + 1, 0, wrong, "begin both in the same column, or delete the value above")
    return None


def without_colon(place: Place, number: int) -> Mistake | None:
    """A line that should be `key: value`; None where it is."""
    text = place.lines[number]
    content = text.split(" #")[0].strip()
    if match := re.fullmatch(r"([\w.-]+):([^\s:/].*)", content):
        wrong = f"no space after the colon: {shown(text)}"
        return Mistake(number + 1, text.index(":") + 1, wrong, f"write {match[1]}: {match[2]}")
    if ": " in content or content.endswith((":", "{}", "[]")) or content.startswith("- "):
        return None
    key, _, value = content.replace("=", " ").partition(" ")
    return Mistake(number + 1, 0, f"no colon after the key: {shown(text)}", f"write {key}: {value.strip()}".rstrip())


def indentation(place: Place) -> Mistake | None:
    """A line that starts in no column of those above, or below a value that is complete."""
    if "block" not in place.context or "scalar" in place.context:
        return None
    before, number = place.text[: place.column], place.line + 1
    if before.strip():
        wrong = f"{shown(place.text[place.column :].strip())} follows a value that has ended: {shown(place.text)}"
        return Mistake(number, place.column + 1, wrong, "delete it, or put the whole value in quotes")
    above = place.lines[place.above].split(" #")[0].rstrip() if place.above >= 0 else ""
    if empty := re.search(r"([\w.-]+): *(\{\}|\[\])$", above):
        wrong = f"{shown(place.text)} is below {shown(above)}, which is complete"
        return Mistake(number, 0, wrong, f"delete the {empty[2]} behind {empty[1]}:")
    if place.text.lstrip().startswith("- ") and (key := re.search(r"([\w.-]+): *\[.*\]$", above)):
        wrong = f"{shown(place.text)} is below a list that is complete: {shown(above)}"
        return Mistake(number, 0, wrong, f"write it into the brackets after {key[1]}:")
    columns = sorted({len(line) - len(line.lstrip()) for line in keys_above(place)})
    wrong = f"{shown(place.text)} begins after {len(before)} spaces, and no key above it does"
    spaces = " or ".join(map(str, columns)) or "0"
    return Mistake(number, 0, wrong, f"begin it in the same column as its neighbours, after {spaces} spaces")


def keys_above(place: Place) -> Iterator[str]:
    """Lines above with keys, up to the nearest that begins in the first column."""
    for number in range(place.line - 1, -1, -1):
        line = place.lines[number]
        if line.strip() and not line.lstrip().startswith("#"):
            yield line
            if not line[:1].isspace():
                return


def other_mistakes(place: Place) -> Mistake | None:
    """A second document, words behind | or >, an end where a value should be."""
    if "another document" in place.problem:
        return Mistake(place.line + 1, 0, "--- begins a second document", "delete the line, or what is below it")
    if "block scalar" in place.context:
        wrong = f"words behind | or >: {shown(place.text)}"
        return Mistake(place.line + 1, place.column + 1, wrong, "begin the text in the next line, or put it in quotes")
    return None


def odd_indentation(text: str) -> Mistake | None:
    """The first line indented by what only looks like a space, as websites and word processors write it."""
    for number, line in enumerate(text.split("\n"), 1):
        if match := ODD_SPACES.match(line):
            code = f"U+{ord(match[0][-1]):04X}"
            wrong = f"a character that only looks like a space ({code}) indents {shown(line)}"
            return Mistake(number, match.end(), wrong, "type the spaces again")
    return None
