"""Declared files of jobs: outputs are recorded when a job succeeds, and inputs are compared with the record.

The record of `<folder>/<name>` is `<folder>/.record/<name>.sha256`. Files outside of the results (raw slides, sheets,
downloads) have none.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from .files import write_text
from .recorded import FOLDER, intact, read_rows, row_of


class ChangedInput(Exception):
    """An input of a job has changed since it was made."""


def record_of(path: str | os.PathLike[str]) -> Path:
    """Path of the record of a declared file."""
    path = Path(path)
    return path.parent / FOLDER / f"{path.name}.sha256"


def results_of(log: str, outputs: Iterable[str]) -> str:
    """The results folder of a job, by its log (`<results>/logs/…`); '' for a job that writes nothing below it."""
    written = [os.path.abspath(path) for path in outputs]
    for parent in Path(os.path.abspath(log)).parents:
        if parent.name == "logs" and any(Path(path).is_relative_to(parent.parent) for path in written):
            return str(parent.parent)
    return ""


def check(inputs: Iterable[str]) -> None:
    """Raises ChangedInput for the first file whose bytes differ from the record.

    A file is read if its modification time isn't the recorded one; then the record gets the new time (Snakemake touches
    outputs), so that the next job need not read it again.
    """
    for path in dict.fromkeys(map(str, inputs)):
        record_path = record_of(path)
        rows = read_rows(record_path)
        if not rows or not os.path.exists(path):
            continue
        current = intact(path, rows)
        if current is None:
            size = os.path.getsize(path)
            raise ChangedInput(
                f"{path} has changed since it was made, or is damaged ({size} bytes now, "
                f"{rows[-1].bytes} then, or others). It is not used: run `snakemake --forcerun {path}`, which "
                "makes it again and continues"
            )
        if current not in rows:
            with contextlib.suppress(OSError):  # a folder that may only be read costs a look at the bytes each time
                write_text(record_path, current.line())


def forget(outputs: Iterable[str]) -> None:
    """Remove the records of files that a job is about to make."""
    for path in outputs:
        record_of(path).unlink(missing_ok=True)


def record(outputs: Iterable[str], results: str) -> None:
    """Record the outputs of a job that are in the results folder ('': none)."""
    for path in dict.fromkeys(map(os.path.abspath, outputs)):
        if results and Path(path).is_relative_to(results) and os.path.isfile(path):
            write_text(record_of(path), row_of(path).line())
