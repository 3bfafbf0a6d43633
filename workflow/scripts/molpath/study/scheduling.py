"""Snakemake's scheduler, which looks for jobs to start far more often than any job ends."""

from __future__ import annotations

import math
import threading
import time
from typing import Any


def keep_one_clock(scheduler: Any) -> None:
    """Let the scheduler look again once after a delay, however often it is asked to meanwhile, and no later than asked.

    Snakemake 9.27 asks for another look a second after every round that leaves jobs waiting, and every finished job
    starts a further such chain, so that the rounds of a second are as many as the jobs that have ended. Each asks a
    solver and the sizes of all inputs: with a hundred jobs done, that alone keeps a core busy. One pending look
    does the same. Nothing is changed where this version's names are missing.
    """
    jobs, method_name = getattr(scheduler, "_open_jobs", None), "_schedule_reevalutation"
    if jobs is None or not hasattr(scheduler, method_name):
        return
    lock, due = threading.Lock(), [math.inf]  # when the next look is

    def look(when: float) -> None:
        with lock:
            if due[0] >= when:
                due[0] = math.inf
        jobs.release()

    def ask(delay: float) -> None:
        when = time.monotonic() + delay
        with lock:
            if due[0] <= when:
                return
            due[0] = when  # a sooner look than the one that waits
        clock = threading.Timer(delay, look, [when])
        clock.daemon = True  # nobody waits for it at the end
        clock.start()

    setattr(scheduler, method_name, ask)
