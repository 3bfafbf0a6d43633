"""Reasons that may pass make a job run again; final ones don't, nor what an earlier stage set aside."""

import os
from types import SimpleNamespace

import pytest
from molpath.common.manifests import accepted, set_aside, write_manifest
from molpath.study.config import Places
from molpath.study.retries import Retries

JOB = SimpleNamespace(shard="00000", grid="g", encoder="e")
STAGES = {"slides": "slides", "tissue": "tissue", "features": "features/g/e"}


def resources_of(folder, stage, row, before=None):
    """The stage's parameter where its manifest has `row` and the one before it `before`."""
    earlier = {"tissue": "slides", "features": "tiles/g"}.get(stage)
    if earlier:
        write_manifest(folder / earlier / "00000.tsv", [before or accepted("a")], [])
    write_manifest(folder / STAGES[stage] / "00000.tsv", [row, accepted("b")], [])
    return getattr(Retries(Places(results=str(folder))), stage)(JOB)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("reason", "detail"),
    [
        ("timeout", "took longer than 120 s"),
        ("memory", "needs more than 2000 MB"),
        ("unreadable", "OSError: [Errno 5] Input/output error"),
        ("unreadable", "Stale file handle"),
        ("unreadable", "OSError: [Errno 121] Remote I/O error"),
        ("unreadable", "openslide: Couldn't read slide.svs: No route to host"),
        ("unreadable", "Permission denied"),
    ],
)
def test_what_may_pass_is_tried_again_by_each_run(stage, reason, detail, tmp_path):
    row = set_aside("a", reason, detail)
    first = resources_of(tmp_path, stage, row)
    assert first
    path = tmp_path / STAGES[stage] / "00000.tsv"
    os.utime(path, (10**9, 10**9))
    assert getattr(Retries(Places(results=str(tmp_path))), stage)(JOB) not in ("", first)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "row", [accepted("a"), set_aside("a", "blank", ""), set_aside("a", "unreadable", "not a TIFF")]
)
def test_final_reasons_are_not(stage, row, tmp_path):
    assert resources_of(tmp_path, stage, row) == ""


@pytest.mark.parametrize("stage", ["tissue", "features"])
def test_only_the_stage_that_set_a_slide_aside_tries_it(stage, tmp_path):
    row = set_aside("a", "timeout", "took longer than 120 s")
    assert resources_of(tmp_path, stage, row, before=row) == ""


def test_a_first_run_has_nothing_to_try(tmp_path):
    assert Retries(Places(results=str(tmp_path))).slides(JOB) == ""
