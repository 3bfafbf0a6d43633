"""The command `molpath` of a clone: it runs that clone's library, also from a copy, and says what a move needs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def call(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def clone(tmp_path, repository) -> Path:
    """A clone with an environment as far as the launcher needs it; pip's program names its Python, as pip writes it."""
    folder, programs = tmp_path / "first/clone", tmp_path / "first/clone/.venv/bin"
    programs.mkdir(parents=True)
    shutil.copy(repository / "Makefile", folder)
    shutil.copytree(repository / "envs", folder / "envs")
    for name in ("workflow/scripts/molpath", "workflow/schemas"):
        shutil.copytree(repository / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (programs / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (programs / "python").chmod(0o755)
    (programs / "pip").write_text(f"#!{programs}/python\n")
    (folder / ".venv/ready").touch()
    assert call("make", "env", cwd=folder).returncode == 0, "an environment that is there is not made again"
    return folder


def test_the_launcher_of_a_clone_of_its_copy_and_through_a_link(clone, tmp_path):
    assert "set up a study folder" in call(clone / ".venv/bin/molpath", "--help", cwd=tmp_path).stdout
    copy = tmp_path / "a copy"
    shutil.copytree(clone, copy)
    command = copy / "workflow/scripts/molpath/init/command.py"
    command.write_text(command.read_text().replace("set up a study folder", "set up a copied folder"))
    (tmp_path / "molpath").symlink_to(copy / ".venv/bin/molpath")
    for program in (copy / ".venv/bin/molpath", tmp_path / "molpath"):
        assert "set up a copied folder" in call(program, "--help", cwd=tmp_path).stdout
    assert "set up a study folder" in call(clone / ".venv/bin/molpath", "--help", cwd=tmp_path).stdout


def test_a_moved_clone_says_what_to_do_and_make_env_does_it(clone, tmp_path):
    moved = tmp_path / "moved"
    (tmp_path / "first").rename(moved)
    done = call(moved / "clone/.venv/bin/molpath", "--help", cwd=tmp_path)
    assert done.returncode == 1
    assert f"this clone was moved here from {clone}: run make env in {moved}/clone" in done.stderr
    assert "-m venv --clear .venv" in call("make", "--dry-run", "env", cwd=moved / "clone").stdout
