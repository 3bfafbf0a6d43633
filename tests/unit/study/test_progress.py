"""The line of progress: right numbers from what jobs and Snakemake say, whatever becomes of files and clocks."""

import json
import logging
from collections import Counter
from pathlib import Path

import pytest
from molpath.common.progress import Progress
from molpath.study import progress as progress_module
from molpath.study.progress import Planned, Started, Tracker, begun_in, clock, duration
from molpath.study.terminal import Events

GRID = {"grid": "20x", "encoder": "uni"}


def planned(rule: str, shards: int, slides: int = 10, **wildcards: str) -> list[Planned]:
    """Jobs of a rule, a shard each."""
    return [Planned(rule, {"shard": f"{shard:05d}", **wildcards}, slides) for shard in range(shards)]


class Jobs:
    """Jobs that write their files by hand, in a folder."""

    def __init__(self, folder: Path, tracker: Tracker):
        self.folder, self.tracker = folder, tracker

    def start(self, job: int, now: float, rule: str = "extract_features", message: str = "", **wildcards: str) -> None:
        log = str(self.folder / f"{job}.log")
        self.tracker.start(Started(job, rule, wildcards, message or f"job {job}", log, begun_in(log)), now)

    def say(self, job: int, done: int, patches: int = 0, total: int = 10, stage: str = "features", **more) -> None:
        state = {"stage": stage, "unit": "slides", "done": done, "total": total, "patches": patches}
        state |= {"started": 1000.0 + job, "updated": 1000.0 + job} | more
        (self.folder / f"{job}.log.progress").write_text(json.dumps(state))

    def look(self, *times: float) -> str:
        for now in times:
            self.tracker.look(now)
        return self.tracker.line(times[-1])


@pytest.fixture
def jobs(tmp_path):
    """Three shards of features, ten slides each, of a run of eight steps that began at 100 s."""
    return Jobs(tmp_path, Tracker(planned("extract_features", 3, **GRID), 8, 100.0))


def test_speed_and_time_left_of_one_shard(jobs):
    jobs.start(1, 100.0, shard="00000", **GRID)
    jobs.say(1, 0)
    assert jobs.look(101.0) == "0:01 | features: 0 of 30 slides | 0 of 8 steps"
    jobs.say(1, 5, 500, encoder_busy=0.93)
    assert jobs.look(110.0) == (
        "0:10 | features: 5 of 30 slides, about 45 s left, 56 patches/s, encoder busy 93% | 0 of 8 steps"
    )  # nine seconds since its first count: 5 slides and 500 patches; 25 slides are left


def test_several_shards_at_once_add_up(jobs):
    for job in (1, 2):
        jobs.start(job, 100.0, shard=f"0000{job}", **GRID)
        jobs.say(job, 0)
    jobs.look(100.0)
    jobs.say(1, 4, 400, encoder_busy=0.8)
    jobs.say(2, 6, 600, encoder_busy=1.0)
    assert "features: 10 of 30 slides, about 20 s left, 100 patches/s, encoder busy 90%" in jobs.look(110.0)
    jobs.say(1, 10, 1000)
    jobs.tracker.finish(1, 115.0)
    assert "features: 16 of 30 slides" in jobs.look(115.0)


def test_what_was_done_before_says_nothing_of_speed(jobs):
    """A run is taken up again: eight slides are there, and the ninth takes ten seconds; 21 are left."""
    jobs.start(1, 100.0, shard="00000", **GRID)
    jobs.say(1, 8, kept=8)
    assert "8 of 30 slides | 0 of 8" in jobs.look(100.0, 105.0)
    jobs.say(1, 9, 90, kept=8)
    assert "9 of 30 slides, about 4 min left, 9 patches/s" in jobs.look(110.0)


def test_a_queue_says_nothing_of_speed(jobs):
    """A job waits an hour on a cluster; by its own times it has counted for 20 s when it is first seen."""
    jobs.start(1, 100.0, shard="00000", **GRID)
    jobs.look(101.0, 1800.0)
    jobs.say(1, 10, 2000, total=20, started=50.0, updated=70.0)
    assert "10 of 40 slides, about 60 s left, 100 patches/s" in jobs.look(3700.0)


def test_clocks_of_jobs_may_jump(jobs):
    jobs.start(1, 100.0, shard="00000", **GRID)
    jobs.say(1, 0, started=5e9, updated=5e9)
    jobs.look(100.0)
    jobs.say(1, 5, 100, started=5e9, updated=-3.0)
    assert "5 of 30 slides, about 50 s left, 10 patches/s" in jobs.look(110.0)
    jobs.start(2, 110.0, shard="00001", **GRID)
    jobs.say(2, 0, started=9.0, updated=-1e9)
    assert "5 of 30 slides" in jobs.look(112.0)


def test_two_stages_at_once_and_two_encoders(tmp_path):
    plan = planned("tile_slides", 2, grid="20x") + planned("extract_features", 2, **GRID)
    plan += planned("extract_features", 2, grid="20x", encoder="conch")
    jobs = Jobs(tmp_path, Tracker(plan, 6, 0.0))
    jobs.start(1, 0.0, "tile_slides", shard="00001", grid="20x")
    jobs.start(2, 0.0, shard="00000", **GRID)
    jobs.say(1, 3, stage="tiles")
    jobs.say(2, 2, 20)
    line = jobs.look(0.0)
    assert line == "0:00 | features uni: 2 of 20 slides | tiles: 3 of 20 slides | 0 of 6 steps"
    assert jobs.tracker.parts(detail=False) == ["features uni: 2 of 20 slides", "0 of 6 steps"]


def test_slides_set_aside_are_counted_by_reason_with_those_of_earlier_runs(tmp_path):
    jobs = Jobs(tmp_path, Tracker(planned("assess_tissue", 2), 5, 0.0, Counter(unreadable=1)))
    jobs.start(1, 0.0, "assess_tissue", shard="00000")
    assert "| 1 set aside (unreadable) |" in jobs.look(0.0)
    jobs.say(1, 5, stage="tissue", set_aside={"blank": 2, "features_only": 3})
    assert "| 3 set aside (mostly blank) |" in jobs.look(1.0)
    jobs.tracker.fail(1)  # it will be tried again, and counts them again
    assert "1 set aside (unreadable)" in jobs.look(2.0)
    jobs.start(1, 3.0, "assess_tissue", shard="00000")
    assert "tissue: 5" not in jobs.look(3.0)  # what is there is of the attempt that failed
    jobs.say(1, 10, stage="tissue", set_aside={"blank": 2}, started=2000.0)
    jobs.tracker.finish(1, 4.0)
    assert "3 set aside (mostly blank)" in jobs.tracker.summary()
    assert jobs.tracker.works["assess_tissue",].done == 10


def test_a_file_of_an_earlier_run_does_not_count(jobs):
    jobs.say(1, 10, 1000)
    jobs.start(1, 100.0, message="Encoding shard 00000.", shard="00000", **GRID)
    assert jobs.look(101.0) == "0:01 | Encoding shard 00000 | 0 of 8 steps"
    jobs.say(1, 1, 100, started=1002.0)
    assert "features: 1 of 30" in jobs.look(102.0)


@pytest.mark.parametrize("torn", ["", "{", '{"stage": "features"}', "[]", "null", '{"done": "x"}', "\x00\x00"])
def test_a_torn_file_is_read_another_time(jobs, torn):
    jobs.start(1, 100.0, shard="00000", **GRID)
    jobs.say(1, 3)
    jobs.look(101.0)
    (jobs.folder / "1.log.progress").write_text(torn)
    assert "features: 3 of 30" in jobs.look(102.0)
    jobs.say(1, 4)
    assert "features: 4 of 30" in jobs.look(103.0)


def test_a_job_that_writes_before_its_start_is_logged_counts(tmp_path):
    """What was next to its log is read when Snakemake reports the job, not when the line is made."""
    log, logger, events = str(tmp_path / "a.log"), logging.Logger("like Snakemake's", logging.INFO), Events()
    logger.addHandler(events)
    record = {"event": "job_info", "jobid": 1, "rule_msg": "m", "rule_name": "r", "wildcards": {}, "log": [log]}
    logger.info("", extra=record)
    Progress(log, "slides", 1).step(aside="unreadable")
    logger.info("", extra={"event": "job_finished", "job_id": 1})
    tracker = Tracker([], 2, 0.0)
    events.tell(tracker)
    assert tracker.summary() == "1 set aside (unreadable) | 0 of 2 steps"


def test_a_job_that_ends_before_it_was_looked_at_counts_in_full(jobs):
    jobs.start(1, 100.0, shard="00000", **GRID)
    jobs.tracker.finish(1, 100.5)
    jobs.tracker.finish(99, 100.5)  # of another rule, that started before this looked
    jobs.start(2, 101.0, shard="00001", **GRID)
    jobs.say(2, 1)
    assert "features: 11 of 30" in jobs.look(102.0)


def test_thousands_of_jobs_under_way_cost_little_a_look(tmp_path, monkeypatch):
    """At most LOOK_S of a second, and all of them one after the other."""
    jobs = Jobs(tmp_path, Tracker(planned("extract_features", 3919, 12, **GRID), 3919, 0.0))
    for job in range(3919):
        jobs.start(job, 0.0, shard=f"{job:05d}", **GRID)
    jobs.say(7, 5, total=12)
    ticks = iter(range(10**9))
    monkeypatch.setattr(progress_module.time, "thread_time", lambda: next(ticks) * progress_module.LOOK_S / 100)
    opened = []
    read = progress_module._read
    monkeypatch.setattr(progress_module, "_read", lambda path: opened.append(path) or read(path))
    jobs.look(1.0)
    assert 90 < len(opened) < 110
    jobs.look(*range(2, 41))
    assert len(set(opened)) >= 3900
    assert "features: 5 of 47,028 slides" in jobs.look(42.0)


def test_jobs_say_what_the_line_reads(tmp_path):
    """The file that Progress writes is the one that Tracker reads."""
    tracker = Tracker([], 2, 0.0)
    log = str(tmp_path / "log")
    tracker.start(Started(1, "embed_block", {"model": "m", "block": "00000"}, "", log, begun_in(log)), 0.0)
    progress = Progress(str(tmp_path / "log"), "embedding with m", 9, "bags", done=4)
    progress.step(2, patches=30)
    progress.step(aside="blank")
    progress.step(kept=True)
    progress.step(encoder_busy=0.5)
    tracker.look(1.0)
    assert tracker.line(1.0) == "0:01 | embedding with m: 9 of 9 bags | 1 set aside (blank) | 0 of 2 steps"
    assert tracker.works["embed_block", "m"].kept == 5


def test_a_job_continues_where_its_file_cannot_be_written(tmp_path):
    Progress(str(tmp_path / "no folder/log"), "tiles", 2).step()
    (tmp_path / "log.progress").mkdir()
    Progress(str(tmp_path / "log"), "tiles", 2).step()
    Progress(None, "tiles", 2).step()
    assert [path.name for path in tmp_path.iterdir()] == ["log.progress"]


def test_times_are_short():
    assert [clock(s) for s in (-1, 5, 65, 3605)] == ["0:00", "0:05", "1:05", "1:00:05"]
    words = [duration(s) for s in (0.2, 45, 600, 20000, 400000)]
    assert words == ["about 1 s", "about 45 s", "about 10 min", "about 6 h", "about 5 days"]
