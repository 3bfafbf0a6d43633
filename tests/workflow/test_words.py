"""Phrases that read as translated, and local names that say nothing, are kept out of code, messages and documents."""

import ast
import re
import subprocess

import pytest

#: What things are counted by, and per what: 'a row a slide' is 'a row per slide'.
COUNTED = "rows?|columns?|panels?|lines?|tables?|points?|vectors?|box|boxes|labels?|sections?|files?|slides?|numbers?"
EACH = (
    "slide|case|profile|patch|task|model|run|cohort|site|class|fold|family|metric|stage|rule|sample|group|job|gene|set|"
    "encoder|horizon|stratum|setting|query|pair|process|step|batch|bag"
)
VERBS = r" (?:takes|reads|trained|can|may|has|would)\b"
PHRASES = {
    "per": rf"\b(?:[Oo]ne|[Aa]|[Tt]wo|[Mm]any) (?:{COUNTED}) an? (?:{EACH})\b(?!{VERBS})",
    "numbers per": r"\b[Nn]umbers an? (?:patch|slide|profile)\b",
    "patches per": r"\b[Pp]atches an? (?:batch|bag|second)\b",
    "fix": r"\b[Mm]end(?:s|ed|ing)?\b",
    "again": r"\banew\b",
    "available": r"\bto be had\b",
    "can't be obtained": r"\bcan't be had\b",
}
SUFFIXES = (".py", ".md", ".yaml", ".smk", ".rst")
#: Packages of the library whose local names say what they hold, and files of theirs that are still left out.
NAMED_PACKAGES = (
    "acquire",
    "common",
    "embed",
    "features",
    "init",
    "interpret",
    "omics",
)
NOT_NAMED_YET = ("common/devices.py",)
#: Names of parameters, variables and loop variables that don't say what they hold.
VAGUE_NAMES = set(
    "asked each found given here known left made many mine most one others ours said seen taken theirs there these "
    "told under wanted what where who why".split()
)


def texts(repository):
    """Text files of the repository, but for this one and what others wrote."""
    listed = subprocess.run(["git", "ls-files"], cwd=repository, text=True, capture_output=True, check=True).stdout
    for name in listed.splitlines():
        if name.endswith(SUFFIXES) and name != "tests/workflow/test_words.py" and not name.startswith("resources/"):
            yield name, (repository / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("instead", PHRASES)
def test_no_such_phrase(repository, instead):
    found = []
    for name, text in texts(repository):
        for number, line in enumerate(text.splitlines(), 1):
            found += [f"{name}:{number}: {line.strip()[:100]}"] * bool(re.search(PHRASES[instead], line))
    assert not found, f"write '{instead}':\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("instead", "text"),
    [("per", "one row a slide"), ("per", "A panel a task"), ("fix", "mend it"), ("available", "is to be had")],
)
def test_a_phrase_is_found(instead, text):
    assert re.search(PHRASES[instead], text)


@pytest.mark.parametrize("text", ["two files a job takes", "the slides a run trained on", "amended", "recommends"])
def test_ordinary_words_pass(text):
    text = text.replace("two files a job takes", "as two slides a case has")
    assert not [name for name, phrase in PHRASES.items() if re.search(phrase, text)]


def vague_names(source):
    """Line and name of each parameter, variable and loop variable of a function that is one of VAGUE_NAMES."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, functions)):
        for node in ast.walk(function):
            if isinstance(node, ast.arg) and node.arg in VAGUE_NAMES:
                yield node.lineno, node.arg
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in VAGUE_NAMES:
                yield node.lineno, node.id


@pytest.mark.parametrize("package", NAMED_PACKAGES)
def test_local_names_say_what_they_hold(repository, package):
    library = repository / "workflow/scripts/molpath"
    vague = [
        f"{path.relative_to(library)}:{line}: {name}"
        for path in sorted((library / package).rglob("*.py"))
        if path.relative_to(library).as_posix() not in NOT_NAMED_YET
        for line, name in vague_names(path.read_text(encoding="utf-8"))
    ]
    assert not vague, "name what it holds (slide, rows, message, matches, ...):\n" + "\n".join(vague)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("def f(told): pass", "told"),
        ("def f(rows):\n    found = rows\n", "found"),
        ("def f(rows):\n    return [one for one in rows]\n", "one"),
        ("def f(rows):\n    for mine in rows:\n        pass\n", "mine"),
        ("key = max([], key=lambda one: one)", "one"),
    ],
)
def test_a_vague_name_is_found(source, name):
    assert [found for _, found in vague_names(source)] == [name]
