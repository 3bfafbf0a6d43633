"""Splits and slides that a task of the paper needs: which are here, and how to obtain the rest."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..acquire.splits import FILES, SplitsUnavailable, fetch_splits
from ..common.tsv import read_cells
from .draft import Refusal, number, some
from .names import stem_of
from .paper import HUB, SPLITS, PaperTask


@dataclass(frozen=True)
class Needed:
    """A requirement of a task: whether it is here (or fetched by the run), and where it is or how to obtain it."""

    here: bool
    what: str
    how: str
    fetched: bool = False

    def __str__(self) -> str:
        status = "fetched" if self.fetched else "here" if self.here else "MISSING"
        return f"{status:<8} {self.what}: {self.how}"


def splits_of(task: PaperTask, folder: str | None) -> tuple[dict[str, str], Needed]:
    """Text of config.yaml and k=all.tsv: from a folder (a copy of Patho-Bench, or of the task), else from the hub."""
    description = f"splits and labels, {SPLITS} {task.name.replace('--', '/')}"
    if folder is None:
        return fetched_splits(task, description)
    source, name = task.name.split("--")
    for location in (Path(folder, source, name), Path(folder, name), Path(folder)):
        if all((location / file).is_file() for file in FILES):
            return {file: (location / file).read_text(encoding="utf-8") for file in FILES}, Needed(
                True, description, str(location)
            )
    raise Refusal(f"--splits {folder}: no {source}/{name}/{FILES[1]} there; name a copy of {SPLITS}")


def fetched_splits(task: PaperTask, description: str) -> tuple[dict[str, str], Needed]:
    """The same from the hub, with the user's login; empty if they can't be obtained."""
    from huggingface_hub import get_token, try_to_load_from_cache

    source, name = task.name.split("--")
    cached = try_to_load_from_cache(SPLITS, f"{source}/{name}/{FILES[1]}", repo_type="dataset")
    if get_token() is None and not isinstance(cached, str):  # the hub would ask for a login, and may not be reached
        return {}, Needed(False, description, no_login())
    with tempfile.TemporaryDirectory() as folder:
        try:
            fetch_splits(repository=SPLITS, revision="", source=source, task=name, folder=folder)
        except SplitsUnavailable as error:
            problem = " ".join(str(error).split()).replace("; 3. start again.", "").partition(" Start again later")[0]
            return {}, Needed(False, description, f"{problem}; or name a copy: --splits DIR")
        texts = {file: Path(folder, file).read_text(encoding="utf-8") for file in FILES}
    return texts, Needed(True, description, f"fetched from {HUB}/datasets/{SPLITS}")


def no_login() -> str:
    """What to do without a login of the hub."""
    return (
        f"access on request at {HUB}/datasets/{SPLITS}, then `hf auth login` (or HF_TOKEN), and init fetches them; "
        "or name a copy: --splits DIR"
    )


def rows_of_splits(texts: Mapping[str, str]) -> list[dict[str, str]]:
    """slide_id and case_id of each slide that the task lists, in its order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, FILES[1])
        path.write_text(texts[FILES[1]], encoding="utf-8")
        cells = read_cells(path)
    if missing := [name for name in ("slide_id", "case_id") if name not in cells.columns]:
        raise Refusal(f"{FILES[1]} of the task has no column {', '.join(missing)}: get it again from {SPLITS}")
    rows = (dict(zip(cells.columns, row, strict=True)) for row in cells.rows)
    return list({row["slide_id"]: {"slide_id": row["slide_id"], "case_id": row["case_id"]} for row in rows}.values())


def slides_in(folder: str, slide_ids: list[str]) -> dict[str, str]:
    """Path of each requested slide below a folder: a file or (DICOM) a folder of that name.

    Raises Refusal if two of them have the same name.
    """
    if not os.path.isdir(folder):
        raise Refusal(f"--slides {folder}: no such folder")
    names, path_of = set(slide_ids), dict[str, str]()
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for entry in sorted([*files, *(name for name in folders if name in names)]):
            name = entry if entry in names else stem_of(entry)
            if name not in names:
                continue
            path = os.path.abspath(os.path.join(parent, entry))
            if name in path_of and os.path.dirname(path) != path_of[name]:
                raise Refusal(f"--slides {folder}: two files are slide {name}, {path_of[name]} and {path}: remove one")
            path_of.setdefault(name, path)
    return path_of


def slides_needed(task: PaperTask, folder: str | None, slide_ids: list[str], path_of: Mapping[str, str]) -> Needed:
    """Which slides are here, and how to obtain the rest."""
    size = number(len(slide_ids), "slide") if slide_ids else task.size
    description = f"{size} of {task.cohort['name']}"
    get = f"{task.cohort['slides_from']} ({task.cohort['access_form']}; licence: {task.cohort['licence']})"
    if folder is None:
        return Needed(False, description, f"from {get}; then name their folder: --slides DIR")
    if not slide_ids:
        return Needed(True, description, f"looked for in {folder} once the splits say which")
    missing = [name for name in slide_ids if name not in path_of]
    if not missing:
        return Needed(True, description, folder)
    problem = f"not in {folder}: {len(missing):,} of {len(slide_ids):,} ({some(missing)}), available from {get}"
    return Needed(False, description, f"{problem}; or go on without them: --skip-missing")
