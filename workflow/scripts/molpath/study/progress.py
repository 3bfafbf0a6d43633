"""How far a run is, in a line: by what Snakemake says about its jobs, and by the files in which jobs count their
items."""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ..common.reasons import FEATURES_ONLY
from .predict import NEW

#: Wildcards that name a part of a stage's work, not another work.
PARTS = ("shard", "block")
#: Seconds of a processor that a look at the jobs' files may take: what is not read now is read next time.
LOOK_S = 0.005
#: Seconds over which patches per second and the time left are computed, and below which nothing is said about them.
PATCHES_OVER, LEFT_OVER, SHORTEST = 60.0, 600.0, 2.0
#: How many stages a line shows.
SHOWN = 2


class Planned(NamedTuple):
    """A job that the run will start: its rule, wildcards, and slides (0 where it isn't of a shard)."""

    rule: str
    wildcards: Mapping[str, str]
    slides: int


class Started(NamedTuple):
    """A job as it starts: what the line says about it while it counts nothing, its log, and `begun_in` that log
    then."""

    job: int
    rule: str
    wildcards: Mapping[str, str]
    message: str
    log: str
    stale: float = 0.0


class Work:
    """The jobs of a rule that differ in shard or block only: together they say how far their stage is."""

    def __init__(self) -> None:
        self.label, self.unit, self.name = "", "slides", ""
        self.done = self.kept = self.patches = 0
        self.total = 0
        self.running: set[int] = set()
        self.busy: dict[int, float] = {}
        self.samples: deque[tuple[float, int, int]] = deque()

    def sample(self, now: float) -> None:
        """Note how far it is; what an earlier run did says nothing of speed. A job that restarts resets it."""
        n_processed = self.done - self.kept
        if self.samples and (n_processed < self.samples[-1][1] or self.patches < self.samples[-1][2]):
            self.samples.clear()
        self.samples.append((now, n_processed, self.patches))
        while len(self.samples) > 2 and self.samples[1][0] <= now - LEFT_OVER:
            self.samples.popleft()

    def begin_again(self, now: float, seconds: float) -> None:
        """The first count of a job that has counted for `seconds`: if the last count is unchanged, nothing was added.

        On a cluster a job waits in the queue first, which says nothing of speed.
        """
        if self.samples and all(sample[1:] == (self.done - self.kept, self.patches) for sample in self.samples):
            started_at = min(now, max(self.samples[0][0], now - seconds))
            self.samples = deque([(started_at, *self.samples[0][1:])])

    def rate(self, place: int, window_s: float) -> float:
        """Items (place 1) or patches (2) a second over the last `over` seconds; 0 where that can't be said yet."""
        if not self.samples or self.samples[-1][0] - self.samples[0][0] < SHORTEST:
            return 0.0
        last = self.samples[-1]
        first = next(sample for sample in self.samples if last[0] - sample[0] <= window_s)
        seconds = last[0] - first[0]
        return (last[place] - first[place]) / seconds if seconds >= SHORTEST else 0.0

    def text(self, detail: bool) -> str:
        """What the line says about it; the rates come last, for a narrow terminal cuts them off."""
        message = f"{self.label}{self.name}: {self.done:,} of {max(self.total, self.done):,} {self.unit}"
        rate = self.rate(1, LEFT_OVER)
        if rate > 0 and self.done < self.total:
            message += f", {duration((self.total - self.done) / rate)} left"
        patches = self.rate(2, PATCHES_OVER)
        if detail and patches > 0:
            message += f", {patches:,.0f} patches/s"
            if self.busy:
                message += f", encoder busy {max(0.0, sum(self.busy.values())) / len(self.busy):.0%}"
        return message


class Job:
    """A job under way, and what it said last."""

    def __init__(self, started: Started, key: tuple[str, ...], expected: int) -> None:
        self.started, self.key, self.expected = started, key, expected
        self.path = f"{started.log}.progress"
        self.state: dict[str, Any] = {}


class Tracker:
    """The jobs of one run. Nothing here may end it: an incomplete or missing file is read later.

    Times are of one clock that never jumps, given by the caller; those in files are compared for equality only.
    """

    def __init__(self, planned: Iterable[Planned], steps: int, now: float, aside: Counter[str] | None = None) -> None:
        """steps: jobs of the run; aside: slides that earlier runs set aside, by reason."""
        self.began, self.steps, self.done = now, steps, 0
        self.aside = Counter(aside or ())
        self.works: dict[tuple[str, ...], Work] = {}
        self.jobs: dict[int, Job] = {}
        self.waiting: deque[int] = deque()  # ids of jobs under way, the next to be looked at first
        self._expected: dict[tuple[tuple[str, ...], str], int] = {}
        self._add_planned(planned)

    def _add_planned(self, planned: Iterable[Planned]) -> None:
        keys: dict[str, set[tuple[str, ...]]] = {}
        for planned_job in planned:
            if planned_job.slides:
                key = _key(planned_job.rule, planned_job.wildcards)
                keys.setdefault(planned_job.rule, set()).add(key)
                self.works.setdefault(key, Work()).total += planned_job.slides
                self._expected[key, planned_job.wildcards["shard"]] = planned_job.slides
        for work_keys in keys.values():  # only names that distinguish works of a rule are shown
            columns = list(zip(*work_keys, strict=True))
            for key in work_keys:
                differing = [name for name, column in zip(key, columns, strict=True) if len(set(column)) > 1]
                self.works[key].name = " of new slides" * (NEW in key[0]) + " " * bool(differing) + ", ".join(differing)

    # What Snakemake says.

    def start(self, started: Started, now: float) -> None:
        """A job starts, or starts again."""
        key = _key(started.rule, started.wildcards)
        self._leave(started.job)
        expected = self._expected.get((key, started.wildcards.get("shard", "")), 0)
        self.jobs[started.job] = Job(started, key, expected)
        self.waiting.append(started.job)
        work = self.works.setdefault(key, Work())
        work.running.add(started.job)
        if not work.samples:
            work.sample(now)

    def finish(self, job: int, now: float) -> None:
        """A job finished: what it said last counts, or all that it had to do."""
        if job not in self.jobs:
            return
        started = self.jobs[job]
        self._look(started, now)
        if not started.state and started.expected:
            self.works[started.key].done += started.expected
        self.works[started.key].sample(now)
        self._end(job)

    def fail(self, job: int) -> None:
        """A job failed: it may be tried again, and what it counted is counted then."""
        self._leave(job)

    def _leave(self, job: int) -> None:
        if job in self.jobs:
            self._take(self.jobs[job], {})
            self._end(job)

    def _end(self, job: int) -> None:
        work = self.works[self.jobs.pop(job).key]
        work.running.discard(job)
        work.busy.pop(job, None)

    # What jobs say.

    def look(self, now: float) -> None:
        """Read files of jobs under way, in turn, for LOOK_S at most."""
        until = time.thread_time() + LOOK_S
        for _ in range(len(self.waiting)):
            job = self.waiting.popleft()
            if job in self.jobs:
                self.waiting.append(job)
                self._look(self.jobs[job], now)
            if time.thread_time() > until:
                break
        for work in self.works.values():
            if work.running:
                work.sample(now)

    def _look(self, job: Job, now: float) -> None:
        state = _read(job.path)
        if state and state["started"] != job.started.stale:
            if not job.state:
                self.works[job.key].begin_again(now, state.get("updated", 0) - state["started"])
            self._take(job, state)

    def _take(self, job: Job, state: dict[str, Any]) -> None:
        """Count a job's new state in place of its last; nothing for an empty state ({})."""
        work, last = self.works[job.key], job.state
        for name in ("done", "kept", "patches"):
            setattr(work, name, getattr(work, name) + state.get(name, 0) - last.get(name, 0))
        work.total += state.get("total", job.expected) - last.get("total", job.expected)
        if state:
            work.label, work.unit = state["stage"], state["unit"]
            if "encoder_busy" in state:
                work.busy[job.started.job] = state["encoder_busy"]
        for reason, number in _aside(state).items():
            self.aside[reason] += number
        for reason, number in _aside(last).items():
            self.aside[reason] -= number
        job.state = state

    # What is shown.

    def parts(self, detail: bool = True) -> list[str]:
        """Stages under way, slides set aside, steps; without detail, only the first stage, without rates and
        reasons."""
        works = [work for work in self.works.values() if work.running and work.label]
        works.sort(key=lambda work: (not work.patches, -len(work.running)))
        parts = [work.text(detail) for work in works[: SHOWN if detail else 1]]
        if not parts and self.jobs:
            parts = [next(reversed(self.jobs.values())).started.message.rstrip(".")]
        if set_aside := +self.aside:
            reason, number = set_aside.most_common(1)[0]
            reason_text = f" ({'mostly ' * (number < set_aside.total())}{reason})" if detail else ""
            parts.append(f"{set_aside.total():,} set aside{reason_text}")
        return [*filter(None, parts), f"{self.done:,} of {self.steps:,} steps"]

    def summary(self) -> str:
        """The same in a line."""
        return " | ".join(self.parts())

    def line(self, now: float) -> str:
        """The same after the time since the start."""
        return f"{clock(now - self.began)} | {self.summary()}"


def _key(rule: str, wildcards: Mapping[str, str]) -> tuple[str, ...]:
    return rule, *(value for name, value in wildcards.items() if name not in PARTS)


def _aside(state: Mapping[str, Any]) -> dict[str, int]:
    return {reason: number for reason, number in state.get("set_aside", {}).items() if reason != FEATURES_ONLY}


def begun_in(log: str) -> float:
    """When a job began, from the file next to its log, by that job's clock; 0 without such a file.

    To be asked before a job starts: its own file is another one.
    """
    return float(_read(f"{log}.progress").get("started", 0.0)) if log else 0.0


def _read(path: str) -> dict[str, Any]:
    """What a job wrote; {} where there is nothing, or nothing whole."""
    try:
        with open(path, encoding="utf-8") as handle:
            state = json.load(handle)
        numbers = [state[name] for name in ("done", "total", "patches", "started")]
        is_complete = all(isinstance(number, (int, float)) for number in numbers)
        return state if is_complete and isinstance(state["stage"], str) and isinstance(state["unit"], str) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def clock(seconds: float) -> str:
    """1:02:03, or 2:03 below an hour."""
    minutes, seconds = divmod(int(max(0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


def duration(seconds: float) -> str:
    """About how long: seconds below two minutes, minutes below two hours, then hours and days."""
    units = ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h"))
    length, unit = next(((length, unit) for below, length, unit in units if seconds < below), (86400, "days"))
    return f"about {max(1, seconds / length):.0f} {unit}"
