"""Files are whole or not there, and the same contents are the same bytes."""

import os
import socket
import subprocess
import sys

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from molpath.common.files import (
    atomic_path,
    by_name,
    new_h5,
    read_tsv,
    remove_leftovers,
    write_json,
    write_parquet,
    write_tsv,
)
from molpath.common.h5ad import write_h5ad

TABLE = pd.DataFrame({"name": ["a", "b"], "value": [0.1, np.nan]})


def write_matrix(path):
    with new_h5(path) as handle:
        handle["x"] = np.arange(5)


WRITERS = {
    "tsv": lambda path: write_tsv(path, TABLE),
    "parquet": lambda path: write_parquet(path, TABLE),
    "json": lambda path: write_json(path, {"b": 1, "a": [1, 2]}),
    "h5": write_matrix,
    "h5ad": lambda path: write_h5ad(path, anndata.AnnData(np.ones((2, 3), np.float32))),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_same_contents_are_same_bytes(tmp_path, kind):
    for name in ("one", "two"):
        WRITERS[kind](tmp_path / f"{name}.{kind}")
    assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_equal_values_are_the_same_json_in_whatever_order(tmp_path):
    write_json(tmp_path / "one.json", {"b": 1, "a": {"d": 2, "c": 3}})
    write_json(tmp_path / "two.json", {"a": {"c": 3, "d": 2}, "b": 1})
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def write_half():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_h5_never_has_its_name(tmp_path):
    def write_half():
        with new_h5(tmp_path / "a.h5") as handle:
            handle["x"] = 1
            assert not (tmp_path / "a.h5").exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_sheets_are_strings_and_comments_are_skipped(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("# a comment\nid\tmpp\n007\t\nb\t0.50\n")
    assert read_tsv(path).to_dict("list") == {"id": ["007", "b"], "mpp": ["", "0.50"]}


def test_h5_is_readable_by_others(tmp_path):
    write_matrix(tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as handle:
        assert handle["x"][:].tolist() == [0, 1, 2, 3, 4]


def dead_process() -> int:
    """Id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_leftovers_of_killed_jobs_are_removed_and_no_others(tmp_path):
    host, dead = socket.gethostname(), dead_process()
    name = "TCGA-CR-7395-01A-TS1.h5"
    left = tmp_path / f".tmp-{host}@{dead}@{name}"
    copies = [
        tmp_path / name,
        tmp_path / f".tmp-{host}@{os.getpid()}@{name}",  # being written
        tmp_path / f".tmp-elsewhere@{dead}@{name}",  # another machine can't be asked
        tmp_path / f".tmp-{host}@{dead}@other.h5",  # another job's
    ]
    for path in (left, *copies):
        path.touch()
    remove_leftovers(tmp_path, {name})
    assert sorted(tmp_path.iterdir()) == sorted(copies)
    remove_leftovers(tmp_path / "absent", {name})


def test_files_of_a_job_by_name():
    assert by_name(["a", "b"], ["1", "2"]) == {"a": "1", "b": "2"}
    assert by_name(["a", "b"], ["1", "2", "3", "4"]) == {"a": ("1", "2"), "b": ("3", "4")}
    assert by_name([], []) == {}
