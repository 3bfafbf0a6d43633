"""Other people's workflows import this one: by its path, from a git host, and as snakedeploy writes it.

A git host hands out single files, and only those that Snakemake knows of: the library comes along because each of its
files is touched through `workflow.source_path`, as text. Here git is set to find github.com in a folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from molpath.common.files import read_tsv

from .small_cohort import ENCODER, GRID

pytestmark = pytest.mark.slow

PREFIX = "imported"
TAG = "v0.1.0"
HOSTED = f'github("lab/molpath", path="workflow/Snakefile", tag="{TAG}")'
IMPORTER = """
configfile: "config.json"


module molpath:
    snakefile: {snakefile}
    config: config
    prefix: "{prefix}"


use rule * from molpath as molpath_*
"""


def call(folder: Path, *command: str | Path, **variables: str) -> str:
    """Run a command in a folder; its output. Fails if it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | variables,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-6000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def host(tmp_path_factory, repository) -> dict[str, str]:
    """Variables with which git finds this workflow, tagged, for github.com; and an empty cache of sources."""
    folder = tmp_path_factory.mktemp("host")
    clone = folder / "github.com/lab/molpath"
    ignore = shutil.ignore_patterns("__pycache__", "*.safetensors")
    for name in ("workflow", "config", "envs"):
        shutil.copytree(repository / name, clone / name, ignore=ignore)
    for name in ("consequences", "costs", "genes", "known_slides", "published", "tasks"):
        shutil.copytree(repository / "resources" / name, clone / "resources" / name, ignore=ignore)
    shutil.copy(repository / "LICENSE", clone)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "all"], ["tag", TAG]):
        call(clone, *git, *words)
    return {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{folder}/github.com/.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


@pytest.fixture
def study(tmp_path) -> Path:
    """A study's folder: a few generated slides, a sheet and a config that brings them to features."""
    from molpath.demo.cohort import make_cohort

    drawn = tmp_path / "made"
    make_cohort(drawn, n_cases=20, seed=1)
    rows = (drawn / "slides.tsv").read_text().replace("resources/demo/", "data/").splitlines()[:5]
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "slides.tsv").write_text("\n".join(rows) + "\n")
    shutil.move(drawn / "resources/demo", folder / "data")
    config = {
        "slides": {"sheet": "slides.tsv", "slides_per_job": 8, "max_failed_fraction": 0.5},
        "tiles": {"grids": {"main": {"patch_size": 256}}},
        "features": {"encoders": {ENCODER: {"adapter": "mean_colour"}}},
        "embed": {"models": {"mean": {"kind": "mean", "grid": "main", "encoder": ENCODER}}, "use": ["mean"]},
    }
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def snakemake(folder: Path, *arguments: str | Path, **variables: str) -> str:
    """Run Snakemake in a study's folder."""
    program = Path(sys.executable).with_name("snakemake")
    return call(folder, program, "--cores", "2", *arguments, **variables)


def encoded(results: Path) -> int:
    """Slides with features."""
    manifest = read_tsv(results / f"features/{GRID}/{ENCODER}/00000.tsv")
    done = manifest[manifest.status == "ok"]
    assert all((results / "wsi" / GRID / f"features_{ENCODER}" / f"{name}.h5").is_file() for name in done.slide_id)
    return len(done)


def write_importer(folder: Path, snakefile: str) -> None:
    """The study's own Snakefile, which imports this workflow."""
    (folder / "Snakefile").write_text(IMPORTER.format(snakefile=snakefile, prefix=PREFIX))


def test_imported_by_path_from_another_folder(study, repository):
    write_importer(study, f'"{repository / "workflow/Snakefile"}"')
    output = snakemake(study, "molpath_features")
    assert (count := encoded(study / PREFIX / "results")) > 0
    assert not (study / "results").exists()
    # What reads results without a rule's inputs finds them below the prefix, too.
    for text in (output, snakemake(study, "molpath_summary")):
        assert f"{PREFIX}/results/wsi/{GRID}/features_{ENCODER}" in text
        assert re.search(rf"features .*\b{count}\b", text), text


def test_imported_from_a_git_host(study, host, repository):
    write_importer(study, HOSTED)
    snakemake(study, "molpath_features", **host)
    assert encoded(study / PREFIX / "results") > 0
    # Environments are found too, and every file that a rule of a later stage names.
    path = os.pathsep.join([str(repository / "tests/workflow/conda_stub"), os.environ["PATH"]])
    arguments = ["--dry-run", "--sdm", "conda", "--forceall", "molpath_report"]
    plan = snakemake(study, *arguments, **host | {"PATH": path})
    assert "molpath_embed_block" in plan


def test_deployed_by_snakedeploy(study, host, tmp_path):
    python = tmp_path / "python"
    call(tmp_path, sys.executable, "-m", "venv", python)
    pip = [python / "bin/python", "-m", "pip", "install", "--quiet", "snakedeploy==0.17.1"]
    if subprocess.run(pip, capture_output=True, check=False).returncode:
        pytest.skip("snakedeploy can't be installed here")
    source = "https://github.com/lab/molpath"
    call(study, python / "bin/snakedeploy", "deploy-workflow", source, ".", "--tag", TAG, **host)
    assert HOSTED.split("(")[0] in (study / "workflow/Snakefile").read_text()
    assert (study / "config/config.yaml").is_file()
    snakemake(study, "features", "--configfile", "config.json", **host)
    assert encoded(study / "results") > 0
