"""One line at the bottom of a terminal, above which messages scroll whole; plain lines where there is no terminal."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
import unicodedata
from collections import deque
from collections.abc import Callable
from typing import Any, TextIO

from .progress import Started, Tracker, begun_in, clock

#: Asks for no progress ("off"), or for the line without Snakemake's messages ("only"). It belongs to the person who
#: looks, not of the study, so it is no key of the config, which is part of what made the results.
SETTING = "MOLPATH_PROGRESS"
#: Seconds between two looks, and between two lines where there is no terminal.
EVERY_S, PLAIN_S = 1.0, 30.0
#: To the start of the line, and nothing right of it.
ERASE = "\r\033[K"
#: Columns below which what is under way is not cut to make room for what follows.
SHORTEST = 12
#: Events of a job's end, and under which name they hold its id.
ENDS = {"job_finished": "job_id", "job_error": "jobid"}
#: Attribute of log records that the terminal doesn't need, for it has the line.
PLAIN = "molpath_progress"


class BottomLine:
    """Replaces the stream of a terminal: what is written scrolls above a line that `show` puts below it.

    Code that writes to the terminal past this object (failing jobs do) should write ERASE first.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream, self.lock = stream, threading.RLock()
        self.line, self.drawn, self.at_start = "", False, True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write a text above the line."""
        with self.lock:
            with contextlib.suppress(Exception):  # a problem with the line is no fault of the message
                self._clear()
            written = self.stream.write(text)
            self.at_start = text.endswith("\n") if text else self.at_start
            return written

    def flush(self) -> None:
        """Send what is written; the line comes back below it."""
        with self.lock:
            with contextlib.suppress(Exception):
                self._draw()
            self.stream.flush()

    def show(self, line: str) -> None:
        """Put a line in place of the last; '' takes it away."""
        with self.lock:
            if self.drawn and line == self.line:
                return
            self.line = line
            self._clear()
            self._draw()
            self.stream.flush()

    def _clear(self) -> None:
        if self.drawn:
            self.drawn = False
            self.stream.write(ERASE)

    def _draw(self) -> None:
        if self.line and self.at_start and not self.drawn and in_foreground(self.stream):
            encoding = self.stream.encoding or "utf-8"
            self.stream.write(self.line.encode(encoding, "replace").decode(encoding))
            self.drawn = True

    @property
    def width(self) -> int:
        """Columns that a line may take: one less than there are, or the cursor would move to the next row."""
        with contextlib.suppress(OSError, ValueError):
            return (os.get_terminal_size(self.stream.fileno()).columns or 80) - 1
        return 79


class Events(logging.Handler):
    """Collects what Snakemake logs about its jobs, whatever it prints, until the next look."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: deque[tuple[float, str, Any]] = deque()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep an event of a job, with the time of a clock that never jumps."""
        with contextlib.suppress(Exception):  # the run goes on, whatever a record holds
            event, fields = getattr(record, "event", None), record.__dict__
            name = str(getattr(event, "value", event))
            if name == "job_info":
                log = str(next(iter(fields["log"] or ()), ""))
                message, wildcards = str(fields["rule_msg"] or fields["rule_name"]), dict(fields["wildcards"] or {})
                started = Started(fields["jobid"], fields["rule_name"], wildcards, message, log, begun_in(log))
                self.heard.append((time.monotonic(), name, started))
            elif name in ENDS:
                self.heard.append((time.monotonic(), name, fields[ENDS[name]]))
            elif name == "progress":
                self.heard.append((time.monotonic(), name, (fields["done"], fields["total"])))

    def tell(self, tracker: Tracker) -> None:
        """Pass on the events."""
        while self.heard:
            now, event, payload = self.heard.popleft()
            if event == "job_info":
                tracker.start(payload, now)
            elif event == "job_finished":
                tracker.finish(payload, now)
            elif event == "job_error":
                tracker.fail(payload)
            else:
                tracker.done, tracker.steps = payload


class Watch:
    """Shows how far a run is until `stop`, in a thread. It never ends the run: on an error it stops itself."""

    def __init__(self, logger: logging.Logger, tracker: Callable[[], Tracker]) -> None:
        """logger: Snakemake's; tracker: makes the run's (in the thread)."""
        self.logger, self.make_tracker = logger, tracker
        self.only = os.environ.get(SETTING) == "only"  # the line, and no messages but warnings and errors
        self.events, self.ended = Events(), threading.Event()
        self.handler = stream_handler(logger)
        self.bottom: BottomLine | None = None
        self.shown, self.shown_at = "", time.monotonic()
        self.thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def start(self) -> None:
        """Take the terminal's last line, where there is a terminal."""
        if self.handler is None:
            return  # another logger plugin writes to the terminal: leave it alone
        self.logger.addHandler(self.events)
        if is_terminal(self.handler.stream):
            self.bottom = BottomLine(self.handler.stream)
            if sys.stderr is self.handler.stream:
                sys.stderr = self.bottom
            self.handler.stream = self.bottom  # type: ignore[assignment]
            self.handler.addFilter(_is_for_terminal)
        if self.only:
            self.handler.addFilter(_is_loud)
        self.thread.start()

    def stop(self) -> None:
        """Take the line away and leave logger and terminal as they were; a second call does nothing."""
        if self.ended.is_set() or self.handler is None:
            return
        self.ended.set()
        self.logger.removeHandler(self.events)
        if self.thread.is_alive():
            self.thread.join(timeout=5)
        self.handler.removeFilter(_is_loud)
        if self.bottom is not None:
            self.handler.removeFilter(_is_for_terminal)
            with contextlib.suppress(OSError, ValueError):
                self.bottom.show("")
            self.handler.stream = self.bottom.stream
            if sys.stderr is self.bottom:
                sys.stderr = self.bottom.stream

    def _run(self) -> None:
        with contextlib.suppress(Exception):
            tracker = self.make_tracker()
            while not self.ended.wait(EVERY_S):
                self.look(tracker, time.monotonic())
        if self.bottom is not None:
            with contextlib.suppress(OSError, ValueError):
                self.bottom.show("")

    def look(self, tracker: Tracker, now: float) -> None:
        """Hear, look, show."""
        self.events.tell(tracker)
        tracker.look(now)
        if self.bottom is not None:
            self.bottom.show(fitting(tracker, now, self.bottom.width))
        message = tracker.summary()
        if now - self.shown_at >= PLAIN_S and message != self.shown:
            self.shown, self.shown_at = message, now
            self.logger.log(logging.WARNING if self.only else logging.INFO, tracker.line(now), extra={PLAIN: True})


def fitting(tracker: Tracker, now: float, width: int) -> str:
    """The tracker's line in full, or in short, or cut: as many columns as there are."""
    line = tracker.line(now)
    if columns_of(line) <= width:
        return line
    first, *parts = tracker.parts(detail=False)
    head, tail = f"{clock(now - tracker.began)} | ", "".join(f" | {part}" for part in parts)
    room = width - columns_of(head + tail)
    return head + cut(first, room) + tail if room >= SHORTEST else cut(head + first + tail, width)


def columns_of(text: str) -> int:
    """Columns of a terminal that a text takes: two for a wide letter, none for what goes onto the letter before."""
    wide = {"W": 2, "F": 2}
    return sum(
        0 if unicodedata.combining(letter) else wide.get(unicodedata.east_asian_width(letter), 1) for letter in text
    )


def cut(text: str, width: int) -> str:
    """At most `width` columns of a text; control characters are none of it, and "…" says that there was more."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)
    if columns_of(text) <= width:
        return text
    while text and columns_of(text) > width - 1:
        text = text[:-1]
    return f"{text}…" if width > 0 else ""


def stream_handler(logger: logging.Logger) -> logging.StreamHandler[TextIO] | None:
    """The handler through which Snakemake writes to the terminal, or to where it was redirected."""
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
            return handler
    return None


def is_terminal(stream: TextIO) -> bool:
    """True for a terminal that can erase a line."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") != "dumb"


def in_foreground(stream: TextIO) -> bool:
    """False for a run in the background of a shell, which needs the last line for its prompt."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True  # not the terminal of this process: it disturbs no one


def _is_for_terminal(record: logging.LogRecord) -> bool:
    return not hasattr(record, PLAIN)


def _is_loud(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


def wanted(silent: bool, setting: str | None = None) -> bool:
    """True if progress is to be shown. silent: Snakemake is to be quiet about progress."""
    setting = os.environ.get(SETTING, "") if setting is None else setting
    return setting == "only" or not (silent or setting.lower() in ("off", "0", "no", "false"))
