"""A small project, Snakemake as a user would call it, and a cohort that is run once."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from projects import Project, call_snakemake

from .chromium import Browser, require_chromium
from .small_cohort import config_of, run, write_listed_task, write_odd_texts


@pytest.fixture
def project(tmp_path, repository) -> Project:
    """A small valid project, not yet written."""
    return Project(tmp_path, repository)


@pytest.fixture(scope="module")
def browser(tmp_path_factory, repository):
    """Chromium; its pictures are kept in tests/artefacts (MOLPATH_TEST_ARTEFACTS: elsewhere)."""
    require_chromium()
    pictures = Path(os.environ.get("MOLPATH_TEST_ARTEFACTS") or repository / "tests/artefacts")
    window = Browser(tmp_path_factory.mktemp("chromium"), pictures)
    yield window
    window.driver.quit()


@pytest.fixture
def snakemake_in():
    """Snakemake as a function of a folder, a Snakefile and arguments."""
    return call_snakemake


@pytest.fixture(scope="session")
def code(tmp_path_factory, repository) -> Path:
    """A copy of the repository's code, for one test edits it."""
    target = tmp_path_factory.mktemp("code")
    ignore = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for name in ("workflow", "config", "envs"):
        shutil.copytree(repository / name, target / name, ignore=ignore)
    for name in ("consequences", "costs", "genes", "known_slides", "published", "tasks"):
        shutil.copytree(repository / "resources" / name, target / "resources" / name, ignore=ignore)
    git = ["git", "-C", target, "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "--all"], ["commit", "-q", "-m", "a clone"]):
        subprocess.run([*git, *words], check=True)
    return target


@pytest.fixture(scope="session")
def cohort(tmp_path_factory, code) -> Path:
    """A dozen generated cases, run from slides to report; tests that change something copy it."""
    from molpath.demo.cohort import make_cohort

    folder = tmp_path_factory.mktemp("cohort")
    make_cohort(folder, n_cases=20, seed=1)
    write_odd_texts(folder)
    write_listed_task(folder)
    (folder / "config.json").write_text(json.dumps(config_of(folder)))
    done = run(folder, code)
    assert done.returncode == 0, done.stdout[-6000:]
    return folder
