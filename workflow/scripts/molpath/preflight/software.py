"""Snakemake, its plugins, what profiles ask for, conda and containers."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from .findings import Finding, note, ok, problem

#: Executors that are part of Snakemake.
OWN_EXECUTORS = ("local", "dryrun", "touch")
#: Commands that an executor calls.
COMMANDS = {"slurm": ("sbatch", "squeue", "sacct", "scancel"), "lsf": ("bsub", "bjobs", "bkill")}
#: What commands of the executor cluster-generic may call from within a shell.
GENERIC_COMMANDS = ("qsub", "qstat", "qacct", "qdel", "bsub", "bjobs", "bkill", "kubectl", "condor_submit", "sbatch")
SHELLS = ("sh", "bash")
#: Oldest conda that Snakemake 9 takes (snakemake.deployment.conda).
OLDEST_CONDA = (24, 7, 1)


def check_snakemake(version: str, needed: str, plugins: Mapping[str, str]) -> list[Finding]:
    """Snakemake's version against the minimum, and its plugins (distribution name -> version)."""
    names = [f"{name.removeprefix('snakemake-')} {plugins[name]}" for name in sorted(plugins)]
    message = f"{version}; plugins: {', '.join(names) or 'none'}"
    if _numbers(version) < _numbers(needed):
        return [problem("Snakemake", message, f"{needed} or newer is needed: pip install 'snakemake>={needed}'")]
    return [ok("Snakemake", message)]


def check_profiles(profiles: Sequence[str], plugins: Mapping[str, str]) -> Iterator[Finding]:
    """Each profile (a folder or file) can be read; its plugins and the commands they call are there."""
    for name in profiles:
        check = f"profile {Path(name).name}"
        try:
            contents = read_profile(name)
        except (OSError, ValueError, yaml.YAMLError) as error:
            yield problem(check, f"{name} can't be read: {error}", "correct the path or the file")
            continue
        lacking = sorted(needed_plugins(contents) - set(plugins))
        if lacking:
            remedy = f"pip install {' '.join(lacking)}"
            yield problem(check, f"{', '.join(lacking)} is not installed next to Snakemake", remedy)
        absent = [command for command in needed_commands(contents, Path(name)) if not shutil.which(command)]
        if absent:
            remedy = "load the scheduler's module, or start Snakemake on a machine from which jobs are submitted"
            yield problem(check, f"not on PATH: {', '.join(absent)}", remedy)
        if not lacking and not absent:
            yield ok(check, f"executor {contents.get('executor', 'local')}, its plugins and commands are there")


def read_profile(name: str) -> dict[str, Any]:
    """Contents of a profile: profile.yaml, a versioned profile.v9+.yaml or config.yaml of a folder, or the file."""
    path = Path(name)
    if path.is_dir():
        profile_files = [*sorted(path.glob("profile.v*.yaml"), reverse=True), *path.glob("profile.yaml")]
        profile_files += path.glob("config.yaml")
        if not profile_files:
            raise FileNotFoundError("it holds no profile.yaml")
        path = profile_files[0]
    contents = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(contents, dict):
        raise ValueError("it is no mapping of options to values")
    return contents


def needed_plugins(profile: Mapping[str, Any]) -> set[str]:
    """Names of the distributions that a profile's executor and storage come from."""
    executor, storage = profile.get("executor", "local"), profile.get("default-storage-provider")
    needed = {f"snakemake-executor-plugin-{executor}"} if executor not in OWN_EXECUTORS else set()
    return needed | ({f"snakemake-storage-plugin-{storage}"} if storage else set())


def needed_commands(profile: Mapping[str, Any], folder: Path) -> list[str]:
    """Programs that a profile's executor calls; `folder` is the profile's, whose own scripts are not looked for."""
    executor = profile.get("executor", "local")
    if executor != "cluster-generic":
        return list(COMMANDS.get(executor, ()))
    commands = []
    for key in ("submit", "status", "cancel"):
        parts = re.findall(r"[\w./-]+", str(profile.get(f"cluster-generic-{key}-cmd") or ""))
        first = [word for word in parts[:1] if word not in SHELLS and not (folder / word).exists()]
        commands += first + [word for word in parts if word in GENERIC_COMMANDS]
    return list(dict.fromkeys(commands))


def asked_deployments(deployment: Sequence[str], profiles: Sequence[str]) -> set[str]:
    """Ways of deployment (conda, apptainer) asked for on the command line or by a readable profile."""
    deployments = set(deployment)
    for name in profiles:
        try:
            contents = read_profile(name)
        except (OSError, ValueError, yaml.YAMLError):
            continue
        for key in ("software-deployment-method", "sdm", "deployment-method"):
            value = contents.get(key, [])
            deployments |= set([value] if isinstance(value, str) else value)
    return deployments


def check_deployments(deployments: set[str]) -> Iterator[Finding]:
    """conda and apptainer: found and new enough. A problem only where they are asked for."""
    for check, programs, remedy in (
        ("conda", ("conda",), "install Miniforge (https://conda-forge.org/download) and put conda on PATH"),
        ("apptainer", ("apptainer", "singularity"), "load its module or ask the site's administrators for it"),
    ):
        path = next(filter(None, map(shutil.which, programs)), None)
        if path is None and check in deployments:
            yield problem(check, f"--sdm {check} is asked for, and {' or '.join(programs)} is not on PATH", remedy)
        elif path is None:
            yield ok(check, f"not on PATH, and not asked for (--sdm {check}): rules run in this environment")
        else:
            yield _version_of(check, path, check in deployments)


def _version_of(check: str, path: str, is_required: bool) -> Finding:
    try:
        version = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=60, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError) as error:
        return (problem if is_required else note)(check, f"{path} doesn't run: {error}", "fix or reinstall it")
    if check == "conda" and _numbers(version) < OLDEST_CONDA:
        oldest = ".".join(map(str, OLDEST_CONDA))
        return (problem if is_required else note)(
            check, f"{version} at {path}", f"Snakemake 9 needs conda {oldest} or newer"
        )
    return ok(check, f"{version} at {path}{'' if is_required else '; not asked for (--sdm)'}")


def _numbers(text: str) -> tuple[int, ...]:
    """The first version number in a text: 'conda 24.9.2' -> (24, 9, 2)."""
    match = re.search(r"\d+(\.\d+)*", text)
    return tuple(map(int, match[0].split("."))) if match else ()
