"""The commit is that of the clone that runs, not of the copies that jobs read."""

import subprocess
from pathlib import Path
from types import SimpleNamespace

from molpath.study.code_state import state_of_code

UNKNOWN = {"commit": None, "modified": None, "release": None}


def git(folder: Path, *arguments: str) -> str:
    author = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    return subprocess.run(["git", "-C", folder, *author, *arguments], check=True, capture_output=True, text=True).stdout


def test_commit_and_local_changes(tmp_path):
    """A commit where git tracks the library; nothing in a folder that git doesn't know, nor in one that ignores it."""
    library = tmp_path / "workflow/scripts"
    code, config = library / "molpath/__init__.py", tmp_path / "config/config.yaml"
    for file in (code, config):
        file.parent.mkdir(parents=True)
        file.write_text("a = 1\n")
    assert state_of_code(library) == UNKNOWN
    git(tmp_path, "init", "--quiet")
    assert state_of_code(library) == UNKNOWN
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert state_of_code(library) == UNKNOWN | {"commit": commit, "modified": False}
    config.write_text("a = 2\n")  # is recorded by itself
    (library / "notes.txt").write_text("not tracked")
    assert state_of_code(library)["modified"] is False
    code.write_text("a = 2\n")
    assert state_of_code(library)["modified"] is True


def test_a_library_inside_another_repository_has_no_commit_of_it(tmp_path):
    """Snakemake's cache of sources may be in a home that is a repository: its commit is not the workflow's."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a").write_text("a")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "one")
    library = tmp_path / "cache/scripts"
    (library / "molpath").mkdir(parents=True)
    (library / "molpath/__init__.py").write_text("")
    assert state_of_code(library) == UNKNOWN


def test_a_workflow_of_a_git_host_says_what_it_was_asked_for(tmp_path):
    tagged = SimpleNamespace(commit=None, tag="v0.2.0")
    assert state_of_code(tmp_path, tagged) == UNKNOWN | {"release": "v0.2.0"}
    fixed = SimpleNamespace(commit="a" * 40, tag=None)
    assert state_of_code(tmp_path, fixed) == UNKNOWN | {"commit": "a" * 40, "modified": False}
