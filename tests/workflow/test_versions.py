"""Every plan and every job runs the library of its own version, whatever else of that name can be imported."""

import re
import shutil
from pathlib import Path

import pytest

from .test_module import call, host, snakemake, study  # noqa: F401 (fixtures)

#: A consumer of two versions.
TWO = """
configfile: "config.json"


module one:
    snakefile: github("lab/molpath", path="workflow/Snakefile", tag="v0.1.0")
    config: config
    prefix: "one"


use rule * from one as one_*


module two:
    snakefile: github("lab/molpath", path="workflow/Snakefile", tag="v0.2.0")
    config: config
    prefix: "two"


use rule * from two as two_*


rule both:
    input:
        rules.one_slides.input,
        rules.two_slides.input,
"""
HEAD = "# The merged configuration of this run"


def test_a_library_on_the_path_does_not_shadow_the_workflows_own(project, repository, monkeypatch):
    """Another copy on PYTHONPATH, older or edited: the job runs the library that provenance names."""
    other = project.folder / "other"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repository / "workflow/scripts/molpath", other / "molpath", ignore=ignore)
    edited = other / "molpath/provenance/provenance.py"
    edited.write_text(edited.read_text().replace(HEAD, "# ANOTHER LIBRARY"))
    monkeypatch.setenv("PYTHONPATH", str(other))
    project.write()
    done = project.snakemake("results/config.yaml", "--cores", "1")
    assert done.returncode == 0, done.stdout
    assert (project.folder / "results/config.yaml").read_text().startswith(HEAD)


@pytest.mark.slow
def test_two_versions_in_one_consumer_plan_and_run_their_own(study, host, repository):  # noqa: F811
    rewritten = host["GIT_CONFIG_KEY_0"].removeprefix("url.").removesuffix("/github.com/.insteadOf")
    clone = Path(rewritten) / "github.com/lab/molpath"
    library = clone / "workflow/scripts/molpath"
    # The second version plans one file more, and its jobs say so.
    targets, inspection = library / "study/targets.py", library / "slides/inspection.py"
    old = 'return [f"<results>/slides/{shard}.tsv" for shard in self.slides_sheet.shards]'
    assert old in targets.read_text()
    targets.write_text(targets.read_text().replace(old, f'{old} + ["<results>/config.yaml"]'))
    marker = "from pathlib import Path as _Path\n\n_Path('second_version').touch()\n"
    inspection.write_text(f"{inspection.read_text()}\n{marker}")
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["commit", "--quiet", "-a", "-m", "second"], ["tag", "v0.2.0"]):
        call(clone, *git, *words)
    (study / "Snakefile").write_text(TWO)
    plan = snakemake(study, "both", "--dry-run", **host)
    assert "two/results/config.yaml" in plan
    assert "one/results/config.yaml" not in plan
    submit = ["--executor", "cluster-generic", "--cluster-generic-submit-cmd", "sh", "--jobs", "2"]
    snakemake(study, "one/results/slides/00000.tsv", *submit, **host)
    assert not (study / "second_version").exists()
    snakemake(study, "two/results/slides/00000.tsv", *submit, **host)
    assert (study / "second_version").exists()
    first, second = ((study / name / "results/slides/00000.tsv").read_text() for name in ("one", "two"))
    assert first == second
    # The other's code digest makes neither of them run again.
    left = snakemake(study, "both", "--dry-run", **host)
    assert set(re.findall(r"^(\w+)_inspect_slides +\d+$", left, re.M)) == set()
