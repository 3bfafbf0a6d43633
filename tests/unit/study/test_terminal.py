"""The line at the bottom of a terminal: messages above it stay whole, and it never ends a run or outlives it."""

import io
import logging
import random
import sys
import threading
import time
import types

import pytest
from molpath.study import terminal
from molpath.study.progress import Planned, Tracker
from molpath.study.terminal import ERASE, PLAIN, BottomLine, Events, Watch, columns_of, cut, fitting, wanted
from terminals import Screen


class Stream(io.StringIO):
    """What a screen shows of what is written to it."""

    encoding = "utf-8"

    def __init__(self, columns: int = 60, tty: bool = True):
        super().__init__()
        self.screen, self.tty = Screen(columns), tty

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        self.screen.feed(text)
        return super().write(text)


@pytest.fixture(autouse=True)
def terminal_that_erases(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv(terminal.SETTING, raising=False)


def test_messages_scroll_above_the_line_whole():
    """However writes, flushes and lines follow each other; parts of a message are one line in the end."""
    chance = random.Random(0)
    stream = Stream()
    bottom, expected = BottomLine(stream), []
    for number in range(500):
        bottom.show(f"line {number} " + "x" * chance.randrange(40))
        words = [f"message {number}", " and", " more"][: chance.randrange(4)]
        for word in words:
            bottom.write(word)
            if chance.random() < 0.5:
                bottom.flush()
            bottom.show(f"again {number}")
        if words:
            bottom.write("\n")
            expected.append("".join(words))
    bottom.show("")
    assert stream.screen.rows == [*expected, ""]


def test_the_line_comes_back_below_a_message_and_goes_at_the_end():
    stream = Stream()
    bottom = BottomLine(stream)
    bottom.show("1 of 2 steps")
    bottom.write("Finished jobid: 1\n")
    assert stream.screen.last == ""
    bottom.flush()
    assert stream.screen.rows == ["Finished jobid: 1", "1 of 2 steps"]
    bottom.show("")
    assert stream.screen.rows == ["Finished jobid: 1", ""]


def test_two_threads_do_not_mix_their_letters():
    stream = Stream(200)
    bottom = BottomLine(stream)
    ended = threading.Event()

    def show():
        while not ended.is_set():
            bottom.show(f"{time.monotonic()} of 10 steps")

    thread = threading.Thread(target=show)
    thread.start()
    for number in range(2000):
        bottom.write(f"message {number}")
        bottom.write("\n")
        bottom.flush()
    ended.set()
    thread.join()
    bottom.show("")
    assert stream.screen.rows == [*(f"message {number}" for number in range(2000)), ""]


def test_no_line_in_the_background_of_a_shell(monkeypatch):
    monkeypatch.setattr(terminal, "in_foreground", lambda stream: False)
    stream = Stream()
    bottom = BottomLine(stream)
    bottom.show("1 of 2 steps")
    bottom.write("Finished\n")
    bottom.flush()
    assert stream.getvalue() == "Finished\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_letters_that_a_terminal_does_not_have_are_replaced(encoding):
    stream = Stream()
    stream.encoding = encoding
    BottomLine(stream).show("病理 12 of 13 …")
    assert stream.screen.last.startswith("??")


@pytest.mark.parametrize("width", [0, 1, 2, 3, 5, 10, 20, 39, 79, 200])
def test_lines_are_cut_to_the_terminal(width):
    names = "tumor-病理切片-é-e\u0301 \x1b[31m\r\n"
    line = cut(names * 4, width)
    assert columns_of(line) <= width
    assert line.isprintable()
    assert len(line) < 3 or line.endswith("…") or width > columns_of(names * 4) - 9


def test_a_narrow_terminal_gets_the_short_line():
    tracker = Tracker([Planned("tile_slides", {"shard": "00000"}, 10)], 5, 0.0)
    work = tracker.works["tile_slides",]
    work.label, work.running, work.done = "tiles", {1}, 4
    work.samples.extend([(0.0, 0, 0), (10.0, 4, 400)])
    assert fitting(tracker, 10.0, 79) == "0:10 | tiles: 4 of 10 slides, about 15 s left, 40 patches/s | 0 of 5 steps"
    assert fitting(tracker, 10.0, 65) == "0:10 | tiles: 4 of 10 slides, about 15 s left | 0 of 5 steps"
    assert fitting(tracker, 10.0, 50) == "0:10 | tiles: 4 of 10 slides, abou… | 0 of 5 steps"
    assert fitting(tracker, 10.0, 30) == "0:10 | tiles: 4 of 10 slides,…"
    tracker.aside["blank"] = 2
    assert fitting(tracker, 10.0, 60) == "0:10 | tiles: 4 of 10 slides, … | 2 set aside | 0 of 5 steps"


# The watch, at Snakemake's logger or one like it.


@pytest.fixture
def logger():
    log = logging.Logger("like Snakemake's", logging.INFO)
    log.addHandler(logging.StreamHandler(Stream()))
    return log


def lines_of(logger: logging.Logger) -> list[str]:
    return logger.handlers[0].stream.screen.rows


def event(logger: logging.Logger, name: str, **more) -> None:
    logger.info(name, extra={"event": types.SimpleNamespace(value=name)} | more)


def test_a_watch_reports_jobs_and_steps():
    logger, events = logging.Logger("like Snakemake's", logging.INFO), Events()
    logger.addHandler(events)
    tracker = Tracker([], 3, 0.0)
    info = {"rule_msg": "Tiling", "rule_name": "tile_slides", "wildcards": {"shard": "00000"}, "log": ["a.log"]}
    event(logger, "job_info", jobid=4, **info)
    event(logger, "job_info", jobid=5, **info | {"log": [], "rule_msg": None})
    event(logger, "shellcmd")
    logger.info("no event")
    events.tell(tracker)
    assert {job: job_record.started.log for job, job_record in tracker.jobs.items()} == {4: "a.log", 5: ""}
    assert tracker.summary() == "tile_slides | 0 of 3 steps"
    event(logger, "job_finished", job_id=5)
    event(logger, "job_error", jobid=4)
    event(logger, "progress", done=1, total=3)
    events.tell(tracker)
    assert not tracker.jobs
    assert tracker.summary() == "1 of 3 steps"


def test_a_watch_shows_a_line_and_leaves_no_trace(logger, monkeypatch):
    monkeypatch.setattr(terminal, "EVERY_S", 0.01)
    stream = logger.handlers[0].stream
    monkeypatch.setattr(sys, "stderr", stream)
    watch = Watch(logger, lambda: Tracker([], 3, time.monotonic()))
    watch.start()
    assert sys.stderr is watch.bottom
    logger.info("Building")
    until = time.monotonic() + 10
    while "steps" not in stream.screen.last and time.monotonic() < until:
        time.sleep(0.01)
    assert stream.screen.rows == ["Building", "0:00 | 0 of 3 steps"]
    logger.info("a plain line is for the log file", extra={PLAIN: True})
    print("A traceback", file=sys.stderr)
    watch.stop()
    watch.stop()
    assert stream.screen.rows == ["Building", "A traceback", ""]
    assert sys.stderr is stream is logger.handlers[0].stream
    assert len(logger.handlers) == 1
    assert not logger.handlers[0].filters
    assert not watch.thread.is_alive()


def test_without_a_terminal_lines_come_now_and_then_and_only_if_something_changed(logger):
    logger.handlers[0].setStream(Stream(tty=False))
    watch, tracker = Watch(logger, lambda: None), Tracker([], 9, 0.0)
    watch.shown_at = 0.0
    for now in range(1, 200):
        tracker.done = min(4, now // 20)
        watch.look(tracker, float(now))
    assert lines_of(logger) == [
        "0:30 | 1 of 9 steps",
        "1:00 | 3 of 9 steps",
        "1:30 | 4 of 9 steps",
        "",
    ]
    assert ERASE not in logger.handlers[0].stream.getvalue()


def test_only_the_line_and_what_is_wrong(logger, monkeypatch):
    monkeypatch.setattr(terminal, "EVERY_S", 1000)
    monkeypatch.setenv(terminal.SETTING, "only")
    watch = Watch(logger, lambda: None)
    watch.start()
    logger.info("Job 1: Inspecting slides")
    logger.error("Error in rule tile_slides")
    watch.stop()
    logger.info("Complete log")
    assert lines_of(logger) == ["Error in rule tile_slides", "Complete log", ""]


def fails(*arguments, **more):
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize("failing", ["tracker", "look", "write", "closed"])
def test_a_watch_that_fails_ends_itself_alone(logger, monkeypatch, failing):
    monkeypatch.setattr(terminal, "EVERY_S", 0.01)
    watch = Watch(logger, fails if failing == "tracker" else lambda: Tracker([], 3, 0.0))
    stream = logger.handlers[0].stream
    if failing == "look":
        monkeypatch.setattr(Tracker, "look", fails)
    if failing == "write":
        monkeypatch.setattr(BottomLine, "_draw", fails)
    if failing == "closed":
        monkeypatch.setattr(Stream, "flush", fails)
    watch.start()
    watch.thread.join(timeout=10)
    assert not watch.thread.is_alive()
    if failing in ("tracker", "look"):
        logger.info("The run goes on")
        assert stream.screen.rows == ["The run goes on", ""]
    watch.stop()
    assert logger.handlers[0].stream is stream


def test_another_plugin_that_writes_to_the_terminal_keeps_it():
    logger = logging.Logger("with a queue")
    logger.addHandler(logging.NullHandler())
    watch = Watch(logger, lambda: None)
    watch.start()
    watch.stop()
    assert len(logger.handlers) == 1
    assert not watch.thread.is_alive()


def test_who_is_shown_progress(monkeypatch):
    assert wanted(False)
    assert not wanted(True)
    for word, shown in (("off", False), ("OFF", False), ("0", False), ("only", True), ("", True)):
        monkeypatch.setenv(terminal.SETTING, word)
        assert wanted(False) is shown
    monkeypatch.setenv(terminal.SETTING, "only")
    assert wanted(True)
