"""Work on slides in a child process: a native crash, a hang or a greedy file costs one slide, not the job."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .joblog import die_with_parent
from .manifests import set_aside

log = logging.getLogger(__name__)

# What a signal that ended the child most often means, for people who don't read signals.
MEANINGS = {
    signal.SIGSEGV: "a crash of native code",
    signal.SIGBUS: "a crash of native code, or a file that shrank while it was read",
    signal.SIGABRT: "a library gave up, as some do when they get no memory",
    signal.SIGTRAP: "a library gave up, as GLib does when it gets no memory",
    signal.SIGKILL: "killed from outside, as a machine without memory does",
}
_MEANING_OF: dict[int, str] = {int(number): words for number, words in MEANINGS.items()}
_CV_NO_MEMORY = -4  # cv::Error::StsNoMem


class Lost(Exception):
    """What became of an item without a result: the child `crashed`, it exceeded the deadline (`timeout`) or the memory
    it may take (`memory`)."""

    def __init__(self, reason: str, detail: str):
        super().__init__(reason, detail)
        self.reason, self.detail = reason, detail

    def __str__(self) -> str:
        return self.detail


class NoSlidesFault(Exception):
    """A problem that setting slides aside one by one would only hide: the job ends with this message."""


class MethodUnusable(NoSlidesFault):
    """Weights, libraries or the device of a method fail, not a slide: the job ends with this message."""


def rows_contained(
    function: Callable[[Mapping[str, Any]], dict[str, Any]],
    slides: Iterable[Mapping[str, Any]],
    deadline_s: float,
    memory_mb: float | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield a manifest row for each slide (a mapping with slide_id), whatever happens in `function`.

    An OSError raised by `function` is the machine's (disk full, storage gone), not the slide's: it is raised again,
    and so is NoSlidesFault. Any other error sets that slide aside.
    """
    for slide, result in map_contained(function, slides, deadline_s, memory_mb):
        slide_id = slide["slide_id"]
        if isinstance(result, (OSError, NoSlidesFault)):
            raise result
        if isinstance(result, Lost):
            result = set_aside(slide_id, result.reason, result.detail)
        elif isinstance(result, Exception):
            result = set_aside(slide_id, "unreadable", f"{type(result).__name__}: {result}")
        if result["reason"]:
            log.warning("%s set aside (%s): %s", slide_id, result["reason"], result["detail"])
        yield result


def map_contained(
    function: Callable[[Any], Any], items: Iterable[Any], deadline_s: float, memory_mb: float | None = None
) -> Iterator[tuple[Any, Any]]:
    """Yield (item, result of `function(item)`) in order; the result is an exception where one was raised.

    All items go through one child process, which is replaced when it dies, passes the deadline or runs out of the
    memory it may take on top of what it is forked with; such an item's result is Lost. The child is forked: callers
    must hold no threads.
    """
    child = None
    try:
        for item in items:
            child = child or _Child(function, memory_mb)
            result = child.ask(item, deadline_s)
            if isinstance(result, Lost):
                child.end()
                child = None
            yield item, result
    finally:
        if child:
            child.end()


def limit_memory(megabytes: float) -> None:
    """Let this process use `megabytes` more private memory than now; does nothing except on Linux.

    The limit is on data (RLIMIT_DATA), not on address space: read-only mappings of files and what allocators and
    drivers only reserve are free. Past it an allocation fails: MemoryError in Python, an error or an abort in C.
    """
    if not sys.platform.startswith("linux"):
        return
    import resource

    with open("/proc/self/statm") as handle:
        current = int(handle.read().split()[5]) * resource.getpagesize()
    _, hard_limit = resource.getrlimit(resource.RLIMIT_DATA)
    limit = current + int(megabytes * 2**20)
    resource.setrlimit(
        resource.RLIMIT_DATA, (limit if hard_limit == resource.RLIM_INFINITY else min(limit, hard_limit), hard_limit)
    )


def is_out_of_memory(error: BaseException) -> bool:
    """True if an error says that there was no memory left (Python's and numpy's MemoryError, OpenCV's own)."""
    return isinstance(error, MemoryError) or getattr(error, "code", None) == _CV_NO_MEMORY


class _Child:
    def __init__(self, function: Callable[[Any], Any], memory_mb: float | None):
        self.memory = f"; it may take {memory_mb:g} MB (slides: memory_mb)" if memory_mb else ""
        context = multiprocessing.get_context("fork")
        self.pipe, child_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(child_end, function, memory_mb), daemon=True)
        self.process.start()
        child_end.close()

    def ask(self, item: Any, deadline_s: float) -> Any:
        try:
            self.pipe.send(item)
            if not self.pipe.poll(deadline_s):
                return Lost("timeout", f"took longer than {deadline_s:g} s (slides: deadline_s)")
            return self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join(5)
            return Lost("crashed", f"the reading process {how_it_ended(self.process.exitcode)}{self.memory}")

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def how_it_ended(code: int | None) -> str:
    """An exit code of multiprocessing as text: 'was ended by signal 11 (a crash of native code)'."""
    if code is None or code >= 0:
        return f"ended with code {code}"
    return f"was ended by signal {-code} ({_MEANING_OF.get(-code) or signal.strsignal(-code)})"


def _serve(pipe: Any, function: Callable[[Any], Any], memory_mb: float | None) -> None:
    die_with_parent()
    if memory_mb:
        limit_memory(memory_mb)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            result = function(item)
        except Exception as error:
            log.exception("an error over one item")
            if memory_mb and is_out_of_memory(error):
                result = Lost("memory", f"needs more than {memory_mb:g} MB (slides: memory_mb)")
            else:
                result = as_sendable(error)
        pipe.send(result)


def as_sendable(error: Exception) -> Exception:
    """The error, or one with the same message if it can't be pickled."""
    try:
        copy: Exception = pickle.loads(pickle.dumps(error))
        return copy
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
