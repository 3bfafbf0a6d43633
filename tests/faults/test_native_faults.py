"""Native crashes, hangs and greed in the middle of a shard: each costs its slide, the others are looked at."""

import ctypes
import faulthandler
import itertools
import os
import subprocess
import sys
from collections import deque

import numpy as np
import pytest
import tifffile
from molpath.common.contained import map_contained, rows_contained
from molpath.common.files import read_tsv
from molpath.common.stamps import ForeignFile
from molpath.slides import inspection, readers
from molpath.tissue import assessment

DATA = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
FAULTS = {
    "segmentation": "crashed",
    "abort": "crashed",
    "exit": "crashed",
    "loop": "timeout",
    "memory": "memory",
    "native_memory": "crashed",
    "error": "unreadable",
}


def suffer(fault: str) -> None:
    """One of FAULTS, as a broken library would do it: in native code."""
    faulthandler.disable()  # in the child only: its stack is of no interest here
    if fault == "segmentation":
        ctypes.memset(1, 0, 1)
    if fault == "abort":
        ctypes.CDLL(None).abort()
    if fault == "exit":
        ctypes.CDLL(None).exit(3)
    if fault == "loop":
        deque(itertools.repeat(None), maxlen=0)  # an endless loop in C that never lets go of the interpreter
    if fault == "memory":
        np.ones(2**32, np.uint8)
    if fault == "native_memory":  # what GLib's g_malloc does: no memory, then abort
        libc = ctypes.CDLL(None)
        libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
        if not libc.malloc(2**32):
            libc.abort()
    if fault == "error":
        raise ValueError("half a \ud800 character\nand a\ttab")


@pytest.fixture
def shard(tmp_path):
    """Slides, a good one before, between and after those that are named after a fault."""
    slides = []
    for name in ("good_1", *FAULTS, "good_2"):
        tifffile.imwrite(tmp_path / f"{name}.tiff", DATA, tile=(64, 64), photometric="rgb", metadata=None)
        slides.append({"slide_id": name, "path": str(tmp_path / f"{name}.tiff"), "mpp": "0.5", "keep": "yes"})
    return slides


def expected(slides):
    """The reason of each slide."""
    return [FAULTS.get(slide["slide_id"], "") for slide in slides]


def faulty_reader(path):
    """A reader that suffers, when pixels are read, what the file is named after."""
    slide = readers.TiffReader(path)
    read, fault = slide.region, path.rsplit("/", 1)[-1].removesuffix(".tiff")

    def region(*window):
        suffer(fault)
        return read(*window)

    slide.region = region
    return slide


def test_inspection_continues(tmp_path, shard, monkeypatch):
    monkeypatch.setattr(inspection, "open_slide", faulty_reader)
    limits = {"deadline_s": 2.0, "memory_mb": 300}
    inspection.inspect_shard(slides=shard, manifest=str(tmp_path / "m.tsv"), **limits)
    table = read_tsv(tmp_path / "m.tsv").set_index("slide_id")
    assert table.reason.tolist() == expected(shard)
    assert "signal 11" in table.detail["segmentation"]
    assert "ended with code 3" in table.detail["exit"]
    assert "slides: deadline_s" in table.detail["loop"]
    assert "needs more than 300 MB" in table.detail["memory"]
    assert "gave up" in table.detail["native_memory"]
    assert "half a ? character and a tab" in table.detail["error"]


def test_tissue_continues(tmp_path, shard, monkeypatch, tissue_settings):
    inspection.inspect_shard(slides=shard, manifest=str(tmp_path / "inspected.tsv"))
    monkeypatch.setattr(assessment, "open_slide", faulty_reader)
    assessment.assess_shard(
        slides=shard,
        inspected=str(tmp_path / "inspected.tsv"),
        manifest=str(tmp_path / "assessed.tsv"),
        wsi=str(tmp_path / "wsi"),
        settings=tissue_settings | {"min_region_mm2": 0.0},
        code="x",
        deadline_s=2.0,
        memory_mb=300,
    )
    table = read_tsv(tmp_path / "assessed.tsv").set_index("slide_id")
    assert table.reason[list(FAULTS)].tolist() == list(FAULTS.values())
    assert set(table.reason[["good_1", "good_2"]]) <= {"", "blank"}  # noise is no tissue
    assert not [path for path in (tmp_path / "wsi").rglob("*") if path.is_file() and path.stem in FAULTS]


TAKE = """
import numpy as np
from molpath.common.contained import map_contained
held = np.ones(300 * 2**20, np.uint8)  # inherited: not the slide's fault
take = lambda megabytes: len(np.ones(megabytes * 2**20, np.uint8))
for _, found in map_contained(take, [100, 400, 150], deadline_s=30, memory_mb=200):
    print(getattr(found, "reason", found))
"""


def test_memory_is_counted_from_what_the_child_starts_with():
    """In a process of its own: one that many tests ran in has freed memory to use again, which no limit counts."""
    done = subprocess.run(
        [sys.executable, "-c", TAKE],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(100 * 2**20), "memory", str(150 * 2**20)]


class Awkward(Exception):
    """An error that can't be made again from its text, as some libraries have."""

    def __init__(self, first, two):
        super().__init__(f"{first} and {two}")


def raise_awkwardly(_):
    """Raise it."""
    raise Awkward(1, 2)


def test_errors_that_cannot_be_sent_are_reported_in_words():
    ((_, error),) = map_contained(raise_awkwardly, [0], deadline_s=30)
    assert isinstance(error, RuntimeError)
    assert str(error) == "Awkward: 1 and 2"


def fail(slide):
    """Raise what the slide names."""
    faults = {"disk": OSError(28, "no space left"), "odd": ValueError("odd"), "stranger": ForeignFile("theirs")}
    raise faults[slide["slide_id"]]


def test_errors_of_the_job_end_it_and_those_of_a_slide_do_not():
    def rows(name):
        return list(rows_contained(fail, [{"slide_id": name}], 30))

    assert rows("odd")[0]["detail"] == "ValueError: odd"
    with pytest.raises(OSError, match="no space left"):
        rows("disk")
    with pytest.raises(ForeignFile):
        rows("stranger")
