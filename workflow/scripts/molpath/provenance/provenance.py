"""What made the results, written down so that it can be shown: no times, no paths of a machine, no logins."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from ..common.digests import sha256_of
from ..common.files import write_json, write_text
from .inventory import describe, list_files

#: The Python index's names of packages that conda-forge calls otherwise.
INDEX_NAMES = {
    "pytorch": "torch",
    "py-opencv": "opencv-python-headless",
    "matplotlib-base": "matplotlib",
    "openslide": "openslide-bin",
}


def write_config(config: Mapping, output: str) -> None:
    """The merged config, defaults included, as YAML."""
    head = "# The merged configuration of this run, with the paths you wrote (provenance.json has it without them).\n"
    write_text(output, head + yaml.safe_dump(plain(config), sort_keys=True))


def plain(value: Any) -> Any:
    """The value with dicts and lists alone: Snakemake reads a config's maps as ordered ones, also inside lists."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def write_provenance(
    *,
    config: str,
    inputs: Mapping[str, str],
    environments: Sequence[str],
    code: Mapping[str, str],
    outputs: Sequence[str],
    results: str,
    output: str,
    threads: int = 1,
) -> dict[str, Any]:
    """Write provenance.json and return what it says: the same bytes for the same results of the same software.

    config: the merged one, as write_config left it. inputs: what the user gave, by config key; a folder counts as its
    files. environments: the files that rules name. code: digests by sub-package. outputs: files of `results` that are
    listed with all that lies beside them.
    """
    settings = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    said = {
        "format": 1,
        "workflow": {"name": "molpath", "digests": dict(code)} | state_of_code(Path(__file__).parent),
        "software": {"python": platform.python_version(), "packages": packages(environments)},
        "environments": {Path(path).name: sha256_of(path) for path in environments},
        "config": shareable(settings),
        "seeds": seeds(settings),
        "inputs": {key: describe_input(Path(path)) for key, path in sorted(inputs.items())},
        "files": describe(results, list_files(results, outputs), threads),
    }
    write_json(output, said)
    return said


def state_of_code(folder: Path) -> dict[str, Any]:
    """Commit that the library's files are of and whether tracked files differ from it; None where git knows neither."""
    unknown = {"commit": None, "modified": None}
    try:
        ask_git(folder, "ls-files", "--error-unmatch", Path(__file__).name)
        commit, root = ask_git(folder, "rev-parse", "HEAD"), ask_git(folder, "rev-parse", "--show-toplevel")
        changed = ask_git(folder, "status", "--porcelain", "--untracked-files=no", "--", root)
    except (OSError, subprocess.SubprocessError):
        return unknown
    return {"commit": commit, "modified": bool(changed)}


def ask_git(folder: Path, *words: str) -> str:
    """What git says in a folder; raises what subprocess.run raises."""
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def packages(environments: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Version that environment files ask for, and the one that is installed here (None: not in this environment)."""
    found: dict[str, dict[str, str | None]] = {}
    for path in environments:
        for item in yaml.safe_load(Path(path).read_text(encoding="utf-8"))["dependencies"]:
            name, _, pinned = item.partition(" =")
            found[name] = {"pinned": pinned, "installed": installed(INDEX_NAMES.get(name, name))}
    return found | {"python": {"pinned": found["python"]["pinned"], "installed": platform.python_version()}}


def installed(name: str) -> str | None:
    """Version of a package in the environment that this runs in."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def shareable(value: Any) -> Any:
    """A config without what only its machine or its user should know.

    A path below the working directory becomes relative, any other one `…/<name>`; an address loses its login and what
    follows a question mark.
    """
    if isinstance(value, Mapping):
        return {key: shareable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shareable(item) for item in value]
    if not isinstance(value, str):
        return value
    if re.match(r"(?!file:)[a-z][a-z0-9+.-]+://", value):
        return re.sub(r"\?.*", "", re.sub(r"(?<=://)[^/@]*@", "", value))
    value = value.removeprefix("file://")
    if not value.startswith(("/", "~", "../")):
        return value
    inside = os.path.relpath(os.path.expanduser(value))
    return f"…/{Path(value).name}" if inside.startswith("..") else inside


def seeds(config: Any, place: str = "") -> dict[str, Any]:
    """Every value of a key `seed` or `seeds`, by where it stands in the config."""
    found: dict[str, Any] = {}
    for key, value in config.items() if isinstance(config, Mapping) else ():
        where = f"{place}/{key}".lstrip("/")
        found |= {where: value} if key in ("seed", "seeds") else seeds(value, where)
    return found


def describe_input(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of a file; of a folder, those of its files by their names inside."""
    if path.is_dir():
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        return {"name": path.name, "files": describe(str(path), names)}
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
