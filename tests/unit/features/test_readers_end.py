"""A reader process ends with its job, and takes no more memory than a slide may."""

import multiprocessing
from types import SimpleNamespace

import numpy as np
from molpath.features.reading import serve
from processes import outlives_its_parent

PARENT = """
import multiprocessing, os, time
from types import SimpleNamespace
from molpath.features.reading import serve

def opener(path):
    print(os.getpid(), flush=True)
    time.sleep(60)

context = multiprocessing.get_context("fork")
ours, theirs = context.Pipe()
child = context.Process(target=serve, args=(theirs, None, opener))
child.start()
ours.recv()
ours.send(SimpleNamespace(path="a slide"))
child.join()
"""


def greedy(path: str) -> np.ndarray:
    """More than tests before this one can have freed: a limit doesn't count what a process already holds."""
    return np.empty(12 << 30, np.uint8)


def test_a_reader_ends_with_its_job():
    assert not outlives_its_parent(PARENT)


def test_memory_beyond_the_limit_costs_the_slide():
    context = multiprocessing.get_context("fork")
    parent, child = context.Pipe()
    reader = context.Process(target=serve, args=(child, None, greedy, 100), daemon=True)
    reader.start()
    try:
        assert parent.recv() == "ready"
        parent.send(SimpleNamespace(path="a slide"))
        assert parent.recv() == ("memory", "reading it needs more than 100 MB (slides: memory_mb)")
    finally:
        reader.kill()
        reader.join()
