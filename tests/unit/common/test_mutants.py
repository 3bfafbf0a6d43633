"""The list of faults that `make mutants` tries fits the library and the tests as they are."""

import ast
import re
import shlex
from collections import Counter

import pytest
from run_mutants import LIBRARY, load_mutants

MUTANTS = load_mutants()


def test_names_are_unique_and_there_are_a_hundred():
    assert len(MUTANTS) >= 100
    assert not [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.stage}-{mutant.name}")
def test_a_mutant_has_its_place_and_its_tests(mutant, repository):
    text = (repository / LIBRARY / mutant.file).read_text(encoding="utf-8")
    assert text.count(mutant.old) == 1
    assert ast.dump(ast.parse(mutant.mutated(text))) != ast.dump(ast.parse(text))
    paths = [word for word in shlex.split(mutant.tests) if word.startswith("tests/")]
    texts = "\n".join((repository / path).read_text() for path in paths)
    chosen = set(re.findall(r"\w+", mutant.tests.partition("-k ")[2])) - {"or", "and", "not"}
    assert paths
    # In a test's name, or in that of one of its parameters.
    missing = [word for word in chosen if not re.search(rf"def test_\w*{word}|\".*{word}", texts, re.IGNORECASE)]
    assert not missing
