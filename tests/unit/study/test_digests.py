"""What an edit of the library reruns: nothing for a comment, a stage and what follows it for code."""

import json
import re
import shutil

import pytest
from molpath.study.config import LIBRARY
from molpath.study.digests import DescribedFiles, Digests

STAGES = ("slides", "tissue", "tiles", "features", "omics")


@pytest.fixture
def copy(tmp_path):
    """A copy of the library that a test may edit."""
    shutil.copytree(LIBRARY, tmp_path / "molpath", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "molpath"


def digests(copy) -> dict[str, str]:
    """Code digest of each sub-package."""
    digest_of = Digests(copy)
    return {name: digest_of(name) for name in STAGES}


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


@pytest.mark.parametrize(
    ("name", "trains"),
    [
        *(
            ("pretrain/" + name, True)
            for name in ("training.py", "network.py", "preparation.py", "store.py", "runs.py")
        ),
        ("common/files.py", True),
        *(("pretrain/" + name, False) for name in ("model_card.py", "documents.py", "artefacts.py")),
        *(("omics/" + name, False) for name in ("genes.py", "vocabulary.py", "no_genes.py")),
    ],
)
def test_a_run_is_trained_again_for_the_code_that_trains_alone(copy, name, trains):
    """An edit reruns the job in any case; what it takes from .finished depends on this digest."""
    before, package = Digests(copy).of_training(), Digests(copy)("pretrain")
    (copy / name).write_text((copy / name).read_text() + "\nADDED = 1\n")
    assert (Digests(copy).of_training() != before) == trains
    assert Digests(copy)("pretrain") != package


def test_every_package_has_a_digest_of_its_own():
    digest_of = Digests()
    packages = [path.name for path in LIBRARY.iterdir() if (path / "__init__.py").is_file()]
    assert len({digest_of(name) for name in packages}) == len(packages)


def test_what_is_kept_of_files_gives_the_same_digests(tmp_path, copy):
    """Of an edited file nothing is taken over, and what can't be read or written is done without."""
    fresh = Digests(copy, cache=tmp_path / "kept")("tiles")
    assert Digests(copy, cache=tmp_path / "kept")("tiles") == fresh
    kept = DescribedFiles(tmp_path / "kept").path
    assert len(list(kept.parent.iterdir())) == 1
    path = copy / "tiles/__init__.py"
    text = path.read_text()
    path.write_text(text + "\nADDED = 1\n")
    assert Digests(copy, cache=tmp_path / "kept")("tiles") != fresh
    path.write_text(text)
    entries = json.loads(kept.read_text())
    wrong = ([1, 2], ["x", []], ["0" * 64, 5], ["0" * 64, [[1]]], ["0" * 64, [["x", "y", []]]], None)
    odd = [json.dumps(dict.fromkeys(entries, value)) for value in wrong]
    for damaged in ("", "[1]", '{"a": 1}', '{"a": [1, 2, 3]}', "\0", *odd):
        kept.write_text(damaged)
        assert Digests(copy, cache=tmp_path / "kept")("tiles") == fresh, damaged
    (tmp_path / "file").write_text("")
    assert Digests(copy, cache=tmp_path / "file")("tiles") == fresh


def test_what_is_kept_is_the_description_and_no_more(tmp_path):
    """The second reader parses nothing."""
    first = DescribedFiles(tmp_path)
    source = b"from ..common import files\n\ndef f():\n    'Says what.'\n    return 1  # one\n"
    described = first.describe(source)
    first.keep()
    assert described.imports == [(2, "common", ["files"])]
    again = DescribedFiles(tmp_path)
    assert again.describe(source).tree == described.tree
    assert [tuple(imported) for imported in again.describe(source).imports] == described.imports
    assert first.describe(source.replace(b"# one", b"# two")).tree == described.tree
    assert first.describe(source.replace(b"return 1", b"return 2")).tree != described.tree


def test_nothing_is_kept_where_the_user_has_no_home(tmp_path, monkeypatch):
    """A container's user without a name, or a relative cache folder: nothing is left where the workflow runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")
    assert len(Digests()("tiles")) == 16
    assert not list(tmp_path.iterdir())
