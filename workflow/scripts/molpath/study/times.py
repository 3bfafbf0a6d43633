"""Sizes and times of the files that the user gives: a replaced file is detected whatever its date, and one with a
time in the future is reported before any work.

Snakemake looks for newer files alone: one that `rsync -a`, `cp -p` or a backup put there is older than what was made of
its predecessor. And a job that reads a file of the future fails after its work, for its output is the older one.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shlex
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from ..common.digests import digest_of
from .config import Places, Wildcards
from .problems import Problems

#: Paths that a rule reads: one, several, or several by names.
Paths = str | Iterable[str] | Mapping[str, str | Iterable[str]]
#: The same, or a function that says them of a job.
Source = Paths | Callable[[Wildcards], Paths]

#: Files of no more bytes than this together are compared by contents: touching them changes nothing.
SMALL = 1 << 24
#: Seconds that clocks of two machines may differ by, and names that a message shows.
SKEW_S, SHOWN = 60.0, 3


class Times:
    """States of given files. Files that a rule makes, or that ship with the workflow, are left to Snakemake."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self._states: dict[tuple[str, ...], str] = {}

    def of(self, *sources: Source) -> Callable[[Wildcards], str]:
        """A parameter that changes when a given source file is replaced, even by an older one.

        A parameter that looked at the job's `input` would not count: Snakemake compares only those that don't.
        """

        def state(wildcards: Wildcards) -> str:
            return self.state(path for source in sources for path in _paths(source, wildcards))

        return state

    def state(self, paths: Iterable[str]) -> str:
        """Digest of given files by contents where they are small, else by size and time; '' where there is none."""
        given_paths = tuple(sorted({str(path) for path in paths if self._is_given(path)}))
        if given_paths not in self._states:
            self._states[given_paths] = self._look(given_paths)
        return self._states[given_paths]

    def _look(self, paths: Iterable[str]) -> str:
        files_of = {path: files for path in paths if (files := list(_files_below(path)))}
        if not files_of:
            return ""
        small = sum(status.st_size for files in files_of.values() for _, status in files) <= SMALL
        return digest_of(
            [
                [path, name, status.st_size, _contents(os.path.join(path, name)) if small else int(status.st_mtime)]
                for path, files in files_of.items()
                for name, status in files
            ]
        )

    def check(self, paths: Iterable[str], problems: Problems) -> None:
        """No given file's time is in the future; all that are make one problem."""
        limit = time.time() + SKEW_S
        too_late = [
            (path, modified_at) for path in dict.fromkeys(map(str, paths)) if (modified_at := time_of(path)) > limit
        ]
        if not too_late:
            return
        names_and_dates = [f"{path} ({_date(modified_at)})" for path, modified_at in too_late[:SHOWN]]
        more = f" and {len(too_late) - SHOWN} more" if len(too_late) > SHOWN else ""
        names = " ".join(shlex.quote(path) for path, _ in too_late[:SHOWN]) + " …" * bool(more)
        problems.add(
            f"{', '.join(names_and_dates)}{more}",
            "times in the future: what is made of such a file would be older than it is, and its job would fail",
            f"this machine's clock says {_date(time.time())}; if it is right: touch {names}",
        )

    def _is_given(self, path: str) -> bool:
        is_output = str(path).startswith(("<", f"{self.places.results}/")) or self.places.is_made(path)
        return not is_output and not str(path).startswith(self._shipped)

    @functools.cached_property
    def _shipped(self) -> str:
        """Folder of the tables that ship, which a fresh clone writes again."""
        table = self.places.shipped("../resources/known_slides/known_bad_slides.tsv")
        return os.path.join(os.path.dirname(os.path.dirname(table)), "")


def _paths(source: Source, wildcards: Wildcards) -> Iterator[str]:
    value = source(wildcards) if callable(source) else source
    if isinstance(value, str):
        yield value
        return
    for item in value.values() if isinstance(value, Mapping) else value:
        yield from [item] if isinstance(item, str) else item


def _files_below(path: str) -> Iterator[tuple[str, os.stat_result]]:
    """Name and state of a file ('' for itself), or of each file of a folder; nothing where there is none."""
    try:
        state = os.stat(path)
    except OSError:
        return
    if not stat.S_ISDIR(state.st_mode):
        yield "", state
        return
    for parent, folders, files in os.walk(path):
        folders.sort()
        for name in sorted(files):
            file = os.path.join(parent, name)
            if os.path.isfile(file):
                yield os.path.relpath(file, path), os.stat(file)


def _contents(path: str) -> str:
    try:
        with open(path.rstrip(os.sep), "rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()[:16]
    except OSError as error:  # reported by the checks, or by the job
        return error.strerror or ""


def time_of(path: str) -> float:
    """The time that Snakemake compares, for a link the later of its own and its target's; 0 where there is no file."""
    try:
        status = os.lstat(path)
        return max(status.st_mtime, os.stat(path).st_mtime) if stat.S_ISLNK(status.st_mode) else status.st_mtime
    except (OSError, ValueError):
        return 0.0


def _date(seconds: float) -> str:
    """A time in words, also outside the calendar's range."""
    try:
        return datetime.fromtimestamp(seconds).isoformat(" ", "seconds")
    except (OverflowError, ValueError, OSError):
        return f"{seconds:.0f} s after 1970"


def files_below(folders: Iterable[str]) -> Iterator[str]:
    """Every file below the folders that are there."""
    for folder in folders:
        for parent, _, files in os.walk(folder):
            yield from (os.path.join(parent, name) for name in files)
