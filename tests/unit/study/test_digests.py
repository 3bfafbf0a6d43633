"""What an edit of the library reruns: nothing for a comment, a stage and what follows it for code."""

import re
import shutil

import pytest
from molpath.study.config import LIBRARY
from molpath.study.digests import Digests

STAGES = ("slides", "tissue", "tiles", "features", "omics")


@pytest.fixture
def copy(tmp_path):
    """A copy of the library that a test may edit."""
    shutil.copytree(LIBRARY, tmp_path / "molpath", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "molpath"


def digests(copy) -> dict[str, str]:
    """Code digest of each sub-package."""
    found = Digests(copy)
    return {name: found(name) for name in STAGES}


def test_comments_and_docstrings_do_not_count_but_code_does(copy):
    before = digests(copy)
    path = copy / "tissue/assessment.py"
    text = path.read_text()
    path.write_text(re.sub(r'^"""', '"""Edited docstring. ', text, count=1) + "\n# an edited comment\n")
    assert digests(copy) == before
    path.write_text(text + "\nADDED = 1\n")
    after = digests(copy)
    assert {name for name in before if before[name] != after[name]} == {"tissue"}


def test_a_module_of_an_earlier_stage_counts_where_it_is_used(copy):
    before = digests(copy)
    path = copy / "slides/readers.py"
    path.write_text(path.read_text() + "\nADDED = 1\n")
    after = digests(copy)
    assert {name for name in before if before[name] != after[name]} >= {"slides", "tissue", "features"}
    assert before["omics"] == after["omics"]
    assert before["tiles"] == after["tiles"]


def test_every_package_has_a_digest_of_its_own():
    found = Digests()
    packages = [path.name for path in LIBRARY.iterdir() if (path / "__init__.py").is_file()]
    assert len({found(name) for name in packages}) == len(packages)
