"""What an edit of the library reruns: nothing for a comment, a stage and what follows it for code."""

import ast
import re
import shutil

import pytest


@pytest.fixture
def copy(repository, tmp_path):
    """A copy of the repository's code that a test may edit."""
    target = tmp_path / "copy"
    for name in ("workflow", "config", "envs"):
        shutil.copytree(repository / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(repository / "resources", target / "resources", ignore=shutil.ignore_patterns("demo"))
    return target


def digests(copy, project) -> dict[str, str]:
    """Code digest of each sub-package as the workflow computes it."""
    text = (copy / "workflow/Snakefile").read_text()
    probe = 'print("DIGESTS", {name: digest(name) for name in ("slides", "tissue", "tiles", "features", "omics")})\n'
    (copy / "workflow/Snakefile").write_text(text + "\n" + probe)
    project.repository = copy
    seen = project.snakemake("--dry-run").stdout
    (copy / "workflow/Snakefile").write_text(text)
    return ast.literal_eval(re.search(r"DIGESTS (\{.*\})", seen)[1])


def test_comments_and_docstrings_do_not_count_but_code_does(copy, project):
    project.write()
    before = digests(copy, project)
    path = copy / "workflow/scripts/molpath/tissue/assessment.py"
    text = path.read_text()
    path.write_text(re.sub(r'^"""', '"""Edited docstring. ', text, count=1) + "\n# an edited comment\n")
    assert digests(copy, project) == before
    path.write_text(text + "\nADDED = 1\n")
    after = digests(copy, project)
    assert {name for name in before if before[name] != after[name]} == {"tissue"}


def test_a_module_of_an_earlier_stage_counts_where_it_is_used(copy, project):
    project.write()
    before = digests(copy, project)
    path = copy / "workflow/scripts/molpath/slides/readers.py"
    path.write_text(path.read_text() + "\nADDED = 1\n")
    after = digests(copy, project)
    assert {name for name in before if before[name] != after[name]} >= {"slides", "tissue", "features"}
    assert before["omics"] == after["omics"]
    assert before["tiles"] == after["tiles"]
