"""One look after a delay, however often it is asked for; none is lost; another version's scheduler stays as it is."""

import threading
import time

from molpath.study.scheduling import keep_one_clock


class Scheduler:
    """What of Snakemake's is used."""

    def __init__(self):
        self._open_jobs = threading.Semaphore(0)

    def _schedule_reevalutation(self, delay):
        raise AssertionError("replaced")


def looks(scheduler, seconds):
    end, ended = time.monotonic() + seconds, 0
    while (left := end - time.monotonic()) > 0:
        ended += scheduler._open_jobs.acquire(timeout=left)
    return ended


def test_fifty_wishes_are_one_look():
    scheduler = Scheduler()
    keep_one_clock(scheduler)
    for _ in range(50):
        scheduler._schedule_reevalutation(0.1)
    assert looks(scheduler, 1) == 1


def test_a_wish_after_the_look_is_another_look():
    scheduler = Scheduler()
    keep_one_clock(scheduler)
    for _ in range(3):
        scheduler._schedule_reevalutation(0.05)
        assert scheduler._open_jobs.acquire(timeout=5)


def test_a_sooner_wish_does_not_wait_for_a_later_one():
    """Jobs per timespan (an hour, say) and queues of inputs (ten seconds) are asked one after the other."""
    scheduler = Scheduler()
    keep_one_clock(scheduler)
    for delay in (0.6, 0.1, 0.1, 0.6):
        scheduler._schedule_reevalutation(delay)
    assert looks(scheduler, 0.4) == 1
    assert looks(scheduler, 0.6) == 1  # the later one comes, too


def test_snakemakes_own_scheduler_has_these_names():
    from snakemake.scheduling.job_scheduler import JobScheduler

    assert callable(JobScheduler._schedule_reevalutation)


def test_a_scheduler_without_these_names_is_left_alone():
    class Other:
        pass

    keep_one_clock(Other())
    assert not vars(Other())
