"""The files of a results folder by SHA-256, as provenance.json lists them, and what happened to them since.

`python -m molpath.provenance.inventory <results folder>` compares a folder with its list, without Snakemake.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from ..common.digests import sha256_of

PROVENANCE = "provenance.json"
#: Written with provenance.json, after it, or on request.
NOT_LISTED = {PROVENANCE, "ro-crate-metadata.json", "job_times.tsv", "report.html", "tables/plan.tsv", "plan.md"}


def list_files(results: str, outputs: Iterable[str]) -> list[str]:
    """Names, relative to `results` and sorted, of outputs and of every file next to one.

    Of the results folder itself only the outputs; hidden files (temporary ones) and NOT_LISTED are left out, and so is
    an output outside of the folder.
    """
    names = {Path(os.path.relpath(path, results)).as_posix() for path in outputs}
    names = {name for name in names if not name.startswith("..")}
    folders = {os.path.dirname(name) for name in names} - {""}
    return sorted((names | {name for folder in folders for name in files_in(results, folder)}) - NOT_LISTED)


def files_in(results: str, folder: str) -> list[str]:
    """Names of the files in a folder of the results, without those of its subfolders."""
    try:
        with os.scandir(Path(results) / folder) as entries:
            return [f"{folder}/{e.name}" for e in entries if e.is_file() and not e.name.startswith(".")]
    except FileNotFoundError:
        return []


def describe(results: str, names: Iterable[str], threads: int = 1) -> dict[str, dict]:
    """Size in bytes and SHA-256 of each file by its name."""
    names = list(names)
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(names, pool.map(partial(describe_file, Path(results)), names), strict=True))


def describe_file(folder: Path, name: str) -> dict:
    """Size in bytes and SHA-256."""
    return {"bytes": (folder / name).stat().st_size, "sha256": sha256_of(folder / name)}


def compare(results: str | os.PathLike, threads: int = 1) -> list[str]:
    """One sentence for each file that is changed, missing or extra compared with the folder's own provenance.json.

    All listed files are read whole. A folder that has none yet, as no run finished, has no differences; a
    damaged list is one.
    """
    path = Path(results) / PROVENANCE
    if not path.exists():
        return []
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))["files"]
        listed = {name: (int(facts["bytes"]), str(facts["sha256"])) for name, facts in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"{path}: can't be read as a list of files ({type(error).__name__}); run the workflow again"]
    with ThreadPoolExecutor(threads) as pool:
        faults = pool.map(lambda name: difference(Path(results) / name, *listed[name]), sorted(listed))
        problems = [f"{name} {wrong}" for name, wrong in zip(sorted(listed), faults, strict=True) if wrong]
    return problems + [f"{name} is extra: {PROVENANCE} doesn't list it" for name in extra_files(str(results), listed)]


def listed_in(results: str | os.PathLike) -> set[str]:
    """Names of the files that a folder's provenance.json lists; none where it can't be read."""
    try:
        return set(json.loads((Path(results) / PROVENANCE).read_text(encoding="utf-8"))["files"])
    except (OSError, ValueError, KeyError, TypeError):
        return set()


def difference(path: Path, size: int, digest: str) -> str:
    """What is wrong with a file; '' if nothing is."""
    if not path.is_file():
        return "is missing"
    if path.stat().st_size != size:
        return f"is changed: {path.stat().st_size} bytes, {PROVENANCE} says {size}"
    return "" if sha256_of(path) == digest else f"is changed: other contents than {PROVENANCE} says"


def extra_files(results: str, listed: Mapping) -> list[str]:
    """Names of files beside listed ones that are not listed, sorted."""
    folders = {os.path.dirname(name) for name in listed} - {""}
    return sorted({name for folder in folders for name in files_in(results, folder)} - {*listed} - NOT_LISTED)


if __name__ == "__main__":
    if not (Path(sys.argv[1]) / PROVENANCE).is_file():
        sys.exit(f"{sys.argv[1]} holds no {PROVENANCE}: name the results folder of a finished run")
    differences = compare(sys.argv[1], threads=4)
    print(*differences, f"{len(differences)} differences between {PROVENANCE} and files", sep="\n")
    sys.exit(1 if differences else 0)
