"""What child processes may take, how long, and when they end."""

import os
import subprocess
import sys
import time
from pathlib import Path

from molpath.common.contained import map_contained
from processes import outlives_its_parent

LIBRARY = Path(__file__).resolve().parents[3] / "workflow/scripts"
PARENT = """
import os, sys, time
from molpath.common.joblog import die_with_parent

child = os.fork()
if not child:
    die_with_parent()
    print(os.getpid(), flush=True)
    time.sleep(60)
os.waitpid(child, 0)
"""
TAKING = """
import numpy as np
from molpath.common.contained import Lost, map_contained

def take(megabytes):
    return len(np.ones(megabytes << 20, np.uint8)) >> 20

limited = [found for _, found in map_contained(take, [1, 400, 2], 60, memory_mb=100)]
free = [found for _, found in map_contained(take, [400], 60)]
print(*(found.reason if isinstance(found, Lost) else found for found in limited + free))
"""
READING = """
import os, time
from molpath.common.contained import map_contained

def read(item):
    print(os.getpid(), flush=True)
    time.sleep(60)

list(map_contained(read, [1], 60))
"""


def wait(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_a_process_ends_with_its_parent():
    assert not outlives_its_parent(PARENT)


def test_a_reading_process_ends_with_its_job():
    assert not outlives_its_parent(READING)


def test_memory_beyond_the_limit_costs_one_item():
    """In a process of its own: in one where tests have freed memory, an item takes that first, which is no growth."""
    script = f"import sys; sys.path.insert(0, {str(LIBRARY)!r})\n{TAKING}"
    done = subprocess.run([sys.executable, "-c", script], text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["1", "memory", "2", "400"]


def test_time_beyond_the_limit_costs_one_item():
    answers = dict(map_contained(wait, [0, 30, 0.01], 0.5))
    assert (answers[0], answers[0.01]) == (0, 0.01)
    assert answers[30].reason == "timeout"


def test_items_share_one_process():
    processes = [process for _, process in map_contained(lambda _: os.getpid(), [1, 2], 60)]
    assert processes[0] == processes[1] != os.getpid()
