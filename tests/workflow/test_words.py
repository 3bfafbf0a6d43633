"""Phrases that read as translated are kept out of code, messages and documents."""

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
