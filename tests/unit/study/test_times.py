"""Files of the user that were replaced by older ones, and files with a time in the future."""

import os
import time
from types import SimpleNamespace

import pytest
from molpath.study import Study
from molpath.study.config import Places
from molpath.study.problems import Problems
from molpath.study.times import SMALL, Times

JOB = SimpleNamespace(cohort="A", shard="00000", task="here--grade", model="mean")
AHEAD = 10**6


def state(path, places=None):
    """The parameter of a rule that reads a file, planned again."""
    return Times(places or Places()).of([str(path)])(JOB)


@pytest.mark.parametrize("size", [5, SMALL + 1])
def test_a_file_replaced_by_an_older_one_changes_the_parameter(tmp_path, size):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(size))
    before = state(path)
    path.write_bytes(b"1" + bytes(size - 1))
    os.utime(path, (10**9, 10**9))
    assert state(path) != before


def test_a_small_file_that_is_touched_is_the_same(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("x")
    before = state(path)
    os.utime(path, (10**9, 10**9))
    assert state(path) == before != ""


def test_files_of_a_folder_count(tmp_path):
    (tmp_path / "w/in").mkdir(parents=True)
    (tmp_path / "w/in/a.bin").write_text("first")
    before = state(tmp_path / "w")
    (tmp_path / "w/in/a.bin").write_text("other")
    assert state(tmp_path / "w") != before


def test_what_rules_make_and_what_ships_is_no_given_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("results/a", "resources/b"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("x")
    shipped = Places().shipped("../resources/genes/hgnc.tsv")
    for path in ("results/a", "resources/b", "<results>/a", "missing", shipped):
        assert state(path) == ""


def test_sources_are_paths_lists_names_and_functions(tmp_path):
    path = tmp_path / "a"
    path.write_text("x")
    single, times = str(path), Times(Places())
    spellings = (
        single,
        [single],
        {"a": single, "b": [single]},
        lambda wildcards: single,
        lambda wildcards: {"a": [single]},
    )
    assert len({times.of(source)(JOB) for source in spellings} | {times.of(single, [])(JOB)}) == 1


@pytest.mark.parametrize(
    "name", ["files/S3.svs", "files/P2.tsv", "slides.tsv", "profiles.tsv", "tasks/grade/k=all.tsv"]
)
def test_a_time_in_the_future_is_reported_before_work(project, name):
    project.write()
    ahead = time.time() + AHEAD
    os.utime(project.folder / name, (ahead, ahead))
    refused = project.refusal()
    assert f"{name} (" in refused
    assert "touch " in refused
    assert refused.count("future") == 1


def test_a_link_counts_as_snakemake_counts_it(project):
    project.write()
    path = project.folder / "files/S3.svs"
    path.rename(project.folder / "theirs.svs")
    path.symlink_to(project.folder / "theirs.svs")
    os.utime(path, (time.time() + AHEAD,) * 2, follow_symlinks=False)
    assert "files/S3.svs (" in project.refusal()


def test_a_link_to_a_file_of_the_future_counts(tmp_path):
    (tmp_path / "theirs.svs").touch()
    (tmp_path / "ours.svs").symlink_to(tmp_path / "theirs.svs")
    os.utime(tmp_path / "theirs.svs", (time.time() + AHEAD,) * 2)
    problems = Problems()
    Times(Places()).check([str(tmp_path / "ours.svs")], problems)
    assert "ours.svs (" in problems.found[0]


def test_many_files_of_the_future_are_one_problem(tmp_path):
    problems = Problems()
    paths = [tmp_path / f"{i}.svs" for i in range(10)]
    for path in paths:
        path.touch()
        os.utime(path, (time.time() + AHEAD,) * 2)
    Times(Places()).check(map(str, paths), problems)
    assert len(problems.found) == 1
    assert "and 7 more" in problems.found[0]


def test_a_clock_that_is_a_little_ahead_is_no_problem(project):
    project.write()
    os.utime(project.folder / "slides.tsv", (time.time() + 5,) * 2)
    Study.open(project.folder / "config.yaml").check()


def replaced(project):
    study = Study.open(project.folder / "config.yaml")
    return study.downloads.shard_replaced(JOB)


def test_a_downloaded_slide_that_was_replaced_is_noticed(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.slides[0] |= {"url": "https://example.org/S0.svs"}
    project.write()
    path = project.folder / "files/S0.svs"
    path.write_bytes(b"slide")
    assert replaced(project) == []
    notes = project.folder / "resources/downloads/digests.tsv"
    notes.parent.mkdir(parents=True)
    stat = os.stat(path)
    notes.write_text(f"{stat.st_size}\t{stat.st_mtime_ns}\t{'a' * 32}\tfiles/S0.svs\n")
    assert replaced(project) == []
    os.utime(path, (10**9, 10**9))
    assert len(replaced(project)) == 1
