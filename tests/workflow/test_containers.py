"""Dockerfiles with all environments are those that Snakemake makes of the environment files as they are."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


def containerize(repository: Path, torch: str) -> str:
    """What `make containers` calls, with a stub for conda."""
    path = os.pathsep.join([str(repository / "tests/workflow/conda_stub"), os.environ["PATH"]])
    files = ["config/demo/config.yaml", "workflow/containers/every_environment.yaml"]
    command = [Path(sys.executable).with_name("snakemake"), "--configfile", *files]
    command += ["--config", f"software={{torch: {torch}}}", "--containerize"]
    command += ["--nolock"]  # the demo may be under way
    done = subprocess.run(
        command, cwd=repository, env=os.environ | {"PATH": path}, text=True, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("torch", ["cpu", "gpu"])
def test_dockerfiles_are_current_and_hold_every_environment(repository, torch):
    kept = (repository / f"workflow/containers/{torch}.Dockerfile").read_text()
    override = "ENV CONDA_OVERRIDE_CUDA=12.9\n"
    assert (override in kept) == (torch == "gpu")
    written, base = kept.replace(override, ""), kept.splitlines()[0]  # make containers BASE=…
    assert re.fullmatch(r"FROM condaforge/miniforge3(:\S+|@sha256:[0-9a-f]{64})", base)
    assert written == containerize(repository, torch).replace("FROM condaforge/miniforge3:latest", base), (
        "make containers"
    )
    names = {path.stem for path in (repository / "envs").glob("*.yaml")} - {"launch"}
    twins = {name.removesuffix("-gpu") for name in names if name.endswith("-gpu")}
    expected = {name for name in names if not name.endswith("-gpu")}
    if torch == "gpu":
        expected = expected - twins | {f"{name}-gpu" for name in twins}
    copied = {line.split()[1] for line in kept.splitlines() if line.startswith("COPY ")}
    assert copied == {f"envs/{name}.yaml" for name in expected}


def test_an_image_of_the_config_is_that_of_every_rule(repository, project):
    project.config["software"] = {"image": "docker://registry.example/molpath:cpu"}
    project.write()
    lines = [f'include: "{repository}/workflow/Snakefile"', ""]
    lines += ["rules_ = [rule for rule in workflow.rules if rule.conda_env]"]
    lines += ['print("IMAGES", {(str(rule.container_img), rule.is_containerized) for rule in rules_})']
    (project.folder / "Snakefile").write_text("\n".join(lines) + "\n")
    project.use_own_snakefile = True
    done = project.snakemake("--dry-run")
    assert "IMAGES {('docker://registry.example/molpath:cpu', True)}" in done.stdout, done.stdout
