"""A Snakemake that is too old for the workflow's files ends with a sentence, not with a syntax error in them."""

import re
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("version", ["8.30.0", "9.8.0"])
def test_an_old_snakemake_gets_a_message_on_what_is_needed(tmp_path, project, version):
    """In an environment of its own; skips where that can't be installed."""
    environment = tmp_path / "old"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin/pip", "install", "--quiet", f"snakemake=={version}"]
    installed = subprocess.run(pip, capture_output=True, text=True, timeout=600, check=False)
    if installed.returncode:
        pytest.skip(f"snakemake {version} can't be installed here: {installed.stderr[-300:]}")
    project.write()
    snakefile = project.repository / "workflow/Snakefile"
    for options in ([], ["--configfile", "config.yaml"], ["--workflow-profile", "none", "--cores", "1"]):
        done = subprocess.run(
            [environment / "bin/snakemake", "--snakefile", snakefile, "--dry-run", *options],
            cwd=project.folder,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        assert done.returncode == 1, done.stdout
        lines = [line for line in done.stdout.splitlines() if line and not line.startswith(("Using", "StudyRefused"))]
        assert len(lines) == 1, done.stdout
        assert f"This is Snakemake {version} on Python 3." in lines[0]
        assert "needs Snakemake 9.27 and Python 3.11 or newer: pip install 'snakemake>=9.27'" in lines[0]


def test_nothing_new_comes_where_old_snakemakes_look_first(repository):
    """Those parse a file whole before they run its first line; the versions are compared in the first one included."""
    lines = (repository / "workflow/Snakefile").read_text().splitlines()
    code = [line for line in lines if line and not line.startswith("#")]
    assert code[0] == 'include: "rules/common_first.smk"'
    words = {match[1] for line in code if (match := re.match(r"(\w+):", line))}
    assert words <= {"include", "configfile", "report", "containerized"}
    first = (repository / "workflow/rules/common_first.smk").read_text()
    before = first[: first.index("raise StudyRefused")]
    assert re.findall(r"^(?:from|import) (snakemake\S*)", before, re.M) == ["snakemake", "snakemake.exceptions"]
    assert not re.findall(r"^\w+:\s*$", first.replace("try:", "").replace("else:", ""), re.M), "a keyword of Snakemake"


def test_the_version_that_is_asked_for_is_the_one_the_doctor_knows(repository):
    from molpath.study.launcher import NEEDED_SNAKEMAKE

    first = (repository / "workflow/rules/common_first.smk").read_text()
    assert f"Snakemake {NEEDED_SNAKEMAKE} and Python" in first
    assert f"< ({NEEDED_SNAKEMAKE.replace('.', ', ')})" in first
