"""What CONTRIBUTING.md says of where things are is true."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^- (Where [^`]+\?) `([^`]+)`: `([^`]+)`$", TEXT, re.MULTILINE)
#: Words of the library's sub-packages: paths that begin with one are relative to the library.
LIBRARY = REPOSITORY / "workflow/scripts/molpath"


def test_there_are_at_least_ten_questions():
    count = TEXT.split("## Questions of a new reader")[1].count("\n- ")
    assert len(QUESTIONS) == count >= 10


@pytest.mark.parametrize(("question", "file", "name"), QUESTIONS, ids=[question for question, _, _ in QUESTIONS])
def test_the_named_file_holds_the_name(question, file, name):
    path = REPOSITORY / file
    assert path.is_file(), f"{question} There is no {file}"
    assert re.search(rf"\b{re.escape(name)}\b", path.read_text(encoding="utf-8")), f"{file} has no {name}"


def files_mentioned():
    """Paths in backticks with a suffix and a folder, without placeholders and results."""
    paths = re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|smk|yaml|md|lock))`", TEXT)
    return sorted({path for path in paths if not path.startswith("results/")})


@pytest.mark.parametrize("path", files_mentioned())
def test_files_that_are_mentioned_exist(path):
    places = (REPOSITORY, REPOSITORY / "workflow", LIBRARY, LIBRARY.parent)
    assert any((place / path).is_file() for place in places), f"CONTRIBUTING.md mentions {path}"
