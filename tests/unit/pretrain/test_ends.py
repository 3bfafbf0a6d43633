"""No process of a training outlives the job that started it."""

import contextlib
import os
import time

from processes import outlives_its_parent

RANK = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-m", "molpath.pretrain.process", sys.argv[1]])
print(child.pid, flush=True)
child.wait()
"""
LAUNCHER = """
import sys
from molpath.pretrain.distributed import run_processes
training = [sys.executable, "-c", "import os, time; print(os.getpid(), flush=True); time.sleep(60)"]
run_processes({"state": sys.argv[1]}, 2, training, {})
"""


def test_a_rank_ends_with_what_started_it(tmp_path):
    job, opened = tmp_path / "job.json", []
    os.mkfifo(job)

    def reads_its_job():
        """The rank, which came as far as its job, waits for the rest of it."""
        while not opened:
            with contextlib.suppress(OSError):  # ENXIO: nobody reads yet
                opened.append(os.open(job, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.02)

    try:
        assert not outlives_its_parent(RANK, (str(job),), reads_its_job)
    finally:
        for descriptor in opened:
            os.close(descriptor)


def test_a_training_ends_with_its_job(tmp_path):
    assert not outlives_its_parent(LAUNCHER, (str(tmp_path / "run.state"),))
