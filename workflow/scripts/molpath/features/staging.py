"""Whole slides on a fast local disk while they are read: copied ahead, within a quota, and removed when read."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..common.files import is_being_written, is_temporary, temporary_of
from ..common.slide_parts import parts_of

log = logging.getLogger(__name__)

PIECE = 8 << 20


class InPlace:
    """Slides are read in place."""

    def __init__(self, paths: Sequence[str]):
        self.ready: Callable[[], Any] = lambda: None
        self.paths = list(paths)

    def path_of(self, slide: int) -> str | None:
        """Path at which to read the slide of this number."""
        return self.paths[slide]

    def release(self, slide: int) -> None:
        """The slide has been read."""


class Staging:
    """Copies slides (`paths`, in the order they will be read) below `folder`, with `quota` bytes at a time.

    A slide larger than the quota, or whose files are unknown, is read in place; so are slides for which the disk
    has no space. `ready` is called, from another thread, when a slide can be read. A context manager: the copies are
    removed when it ends, and at SIGTERM; those of a killed job of this machine when the next begins. Source: node-local
    storage of clusters ($TMPDIR); it is not in the paper.
    """

    def __init__(self, paths: Sequence[str], folder: str, quota: int):
        self.originals, self.quota = list(paths), quota
        self.ready: Callable[[], Any] = lambda: None
        self.folder = temporary_of(Path(folder) / "molpath-slides")
        self.places: dict[int, str] = {}  # slides that can be read, and where
        self.sizes: dict[int, int] = {}  # bytes of copies, being made ones too
        self.room = threading.Condition()
        self.ended = False
        self.copied_bytes, self.copying_s = 0, 0.0
        self.thread = threading.Thread(target=self._copy_all, name="staging", daemon=True)

    def __enter__(self) -> Staging:
        self.handler = _on_sigterm(self._clean)
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        with self.room:
            self.ended = True
            self.room.notify_all()
        self.thread.join()
        self._clean()
        if self.handler is not None:
            signal.signal(signal.SIGTERM, self.handler)
        rate = self.copied_bytes / max(self.copying_s, 1e-9) / 1e6
        log.info("%.1f GB of slides copied to local disk, %.0f MB per second", self.copied_bytes / 1e9, rate)

    def path_of(self, slide: int) -> str | None:
        """Path at which to read the slide of this number; None until it is ready.

        Raises OSError if its copy was removed from outside.
        """
        path = self.places.get(slide)
        if path and not os.path.exists(path) and path != self.originals[slide]:
            raise FileNotFoundError(f"{path}, a copy of {self.originals[slide]}, was removed while it was read")
        return path

    def release(self, slide: int) -> None:
        """The slide has been read: its copy goes."""
        shutil.rmtree(self.folder / str(slide), ignore_errors=True)
        with self.room:
            self.sizes.pop(slide, None)
            self.room.notify_all()

    def _copy_all(self) -> None:
        for slide, original in enumerate(self.originals):
            try:
                path = self._stage(slide, original)
            except Exception as error:  # the slide may still be readable in place
                log.warning("%s is read in place: %s", original, error)
                self.release(slide)
                path = original
            if self.ended:
                return
            self.places[slide] = path or original
            self.ready()

    def _stage(self, slide: int, original: str) -> str:
        """Copy a slide as soon as there is space; returns where to read it, '' for in place."""
        files = parts_of(original)
        size = sum(file.stat().st_size for file in files)
        if not files or size > self.quota:
            reason = (
                f"{size / 1e9:.1f} GB are more than features/scratch_gb" if files else "it may consist of several files"
            )
            log.info("%s is read in place: %s", original, reason)
            return ""
        with self.room:
            self.room.wait_for(lambda: self.ended or sum(self.sizes.values()) + size <= self.quota)
            self.sizes[slide] = size
        started = time.perf_counter()
        for file in files:
            self._copy(file, self.folder / str(slide) / file.relative_to(Path(original).parent))
        self.copying_s += time.perf_counter() - started
        self.copied_bytes += size
        return str(self.folder / str(slide) / Path(original).name)

    def _copy(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as reading, open(target, "wb") as writing:
            while not self.ended and (chunk := reading.read(PIECE)):
                writing.write(chunk)

    def _clean(self) -> None:
        self.ended = True
        for _ in range(3):  # again if a piece was being written
            shutil.rmtree(self.folder, ignore_errors=True)


def stage(paths: Sequence[str], scratch: str, gigabytes: float):
    """`Staging` in the folder `scratch`, in which variables of the environment count; `InPlace` if there is none."""
    folder = os.path.expanduser(os.path.expandvars(scratch))
    if not scratch:
        return contextlib.nullcontext(InPlace(paths))
    if "$" in folder:
        log.warning("features/scratch is %s, and no such variable is set here: slides are read in place", scratch)
        return contextlib.nullcontext(InPlace(paths))
    staging = Staging(paths, folder, int(gigabytes * 1e9))
    try:
        staging.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        log.warning("features/scratch can't be used here (%s): slides are read in place", error)
        return contextlib.nullcontext(InPlace(paths))
    remove_leftovers(Path(folder))
    return staging


def remove_leftovers(folder: Path) -> None:
    """Remove copies of slides that jobs of this machine left in `folder` when they were killed."""
    for path in folder.glob(".tmp-*@molpath-slides"):
        with contextlib.suppress(OSError):  # another user's
            if is_temporary(path) and _is_of_this_machine(path) and not is_being_written(path):
                log.info("removing %s, left by a job that was killed", path)
                shutil.rmtree(path)


def _is_of_this_machine(path: Path) -> bool:
    return path.name.split("@")[0] == temporary_of(path).name.split("@")[0]


def _on_sigterm(clean: Callable[[], None]):
    """Have SIGTERM call `clean` before it ends this process; what handled it before, None outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        return None

    def end(*_):
        clean()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)

    return signal.signal(signal.SIGTERM, end)
