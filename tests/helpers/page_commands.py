"""Every command that a page shows, one by one, with what the page says of its being tested."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

#: Languages of fenced blocks that hold commands.
SHELL = {"bash", "sh", "shell", "console"}
#: Before commands of a block: they are not run, and why. It holds as far as the next empty line.
MARK = re.compile(r"^# not run by the tests: (?P<reason>.+)$")


@dataclass(frozen=True)
class Command:
    """A command without its comment, the line it begins in, and why no test runs it, if the page says so."""

    page: str
    line: int
    text: str
    reason: str = ""


def pages(repository: Path) -> list[str]:
    """Markdown files of the repository, except the lists that tests keep."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=repository, text=True, capture_output=True, check=True)
    return [name for name in listed.stdout.splitlines() if not name.startswith(("tests/", ".github/"))]


def is_whole(text: str) -> bool:
    """Every quotation mark is closed and no line goes on."""
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True


def commands_of(page: str, text: str) -> Iterator[Command]:
    """Commands of all fenced shell blocks of a page, also of those that are indented."""
    language, reason, begun = None, "", ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("```"):
            language, reason = (stripped[3:] or "text") if language is None else None, ""
            continue
        if language not in SHELL:
            continue
        if marked := MARK.match(stripped):
            reason = marked["reason"]
        elif not stripped:
            reason = ""
        begun = f"{begun}\n{stripped}".strip()
        if not is_whole(begun):
            continue
        if command := shlex_text(begun):
            yield Command(page, number - begun.count("\n"), command, reason)
        begun = ""


def shlex_text(line: str) -> str:
    """A line without its comment and the spaces before that."""
    return "" if line.startswith("#") else re.split(r"\s+#\s", line)[0].strip()


def all_commands(repository: Path) -> list[Command]:
    """Commands of every page."""
    texts = {name: (repository / name).read_text(encoding="utf-8") for name in pages(repository)}
    return [command for name, text in texts.items() for command in commands_of(name, text)]
