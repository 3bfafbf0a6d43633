"""Work on slides in a child process: a native crash or a hang costs one slide, not the job."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .joblog import die_with_parent


class Lost(Exception):
    """The child process ended (`reason` crashed) or took too long (`reason` timeout) over an item."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def map_contained(function: Callable[[Any], Any], items: Iterable[Any], deadline_s: float) -> Iterator[tuple[Any, Any]]:
    """Yield (item, result of `function(item)`) in order; the result is an exception where one was raised.

    All items go through one child process, which is replaced when it dies or passes the deadline; such an item's
    result is Lost. The child is forked: callers must hold no threads.
    """
    child = None
    try:
        for item in items:
            child = child or _Child(function)
            result = child.ask(item, deadline_s)
            if isinstance(result, Lost):
                child.end()
                child = None
            yield item, result
    finally:
        if child:
            child.end()


class _Child:
    def __init__(self, function: Callable):
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, function), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, item: Any, deadline_s: float) -> Any:
        try:
            self.pipe.send(item)
            if not self.pipe.poll(deadline_s):
                return Lost("timeout", f"took longer than {deadline_s:g} s")
            return self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join(5)
            return Lost("crashed", f"the reading process ended with code {self.process.exitcode}")

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(pipe, function: Callable) -> None:
    die_with_parent()
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            result = function(item)
        except Exception as error:
            result = error
        pipe.send(result)
