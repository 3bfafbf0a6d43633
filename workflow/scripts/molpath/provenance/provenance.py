"""What made the results, in a form that can be shared: no times, no paths of a machine, no logins."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import yaml

from ..common.digests import sha256_of
from ..common.files import write_json, write_text
from .inventory import describe, list_files
from .shareable import shareable

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
    code: Mapping[str, Any],
    outputs: Sequence[str],
    results: str,
    output: str,
    threads: int = 1,
) -> dict[str, Any]:
    """Write provenance.json and return what it says: the same bytes for the same results of the same software.

    config: the merged one, as write_config left it. inputs: what the user gave, by config key; a folder counts as its
    files. environments: the files that rules name. code: digests by sub-package, and what study.code_state says.
    outputs: files of `results` that are listed with all files next to them.
    """
    settings = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    record = {
        "format": 1,
        "workflow": {"name": "molpath"} | dict(code),
        "software": {"python": platform.python_version(), "packages": packages(environments)},
        "environments": {Path(path).name: sha256_of(path) for path in environments},
        "config": shareable(settings),
        "seeds": seeds(settings),
        "inputs": {key: describe_input(Path(path)) for key, path in sorted(inputs.items())},
        "files": describe(results, list_files(results, outputs), threads),
    }
    write_json(output, record)
    return record


def packages(environments: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Version that environment files ask for, and the one that is installed here (None: not in this environment)."""
    versions: dict[str, dict[str, str | None]] = {}
    for path in environments:
        for item in yaml.safe_load(Path(path).read_text(encoding="utf-8"))["dependencies"]:
            name, _, pinned = item.partition(" =")
            versions[name] = {"pinned": pinned, "installed": installed(INDEX_NAMES.get(name, name))}
    return versions | {"python": {"pinned": versions["python"]["pinned"], "installed": platform.python_version()}}


def installed(name: str) -> str | None:
    """Version of a package in the environment that this runs in."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def seeds(config: Any, place: str = "") -> dict[str, Any]:
    """Every value of a key `seed` or `seeds`, by its place in the config."""
    values: dict[str, Any] = {}
    for key, value in config.items() if isinstance(config, Mapping) else ():
        key_path = f"{place}/{key}".lstrip("/")
        values |= {key_path: value} if key in ("seed", "seeds") else seeds(value, key_path)
    return values


def describe_input(path: Path) -> dict[str, Any]:
    """Name, size and SHA-256 of a file; of a folder, those of its files by their names inside."""
    if path.is_dir():
        names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        return {"name": path.name, "files": describe(str(path), names)}
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256_of(path)}
