"""A written file is on the disk before it has its name, the name before the writer goes on, and no reader sees half."""

import errno
import os
import re

import pytest
from molpath.common.files import atomic_path, write_text


@pytest.fixture
def calls(monkeypatch):
    """What is asked of the disk, in its order: fsync and rename, with names of files and folders."""
    recorded = []
    fsync, replace = os.fsync, os.replace

    def flush(descriptor):
        recorded.append(("fsync", os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))))
        fsync(descriptor)

    def rename(source, target):
        recorded.append(("rename", os.path.basename(source), os.path.basename(target)))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", flush)
    monkeypatch.setattr(os, "replace", rename)
    return recorded


def test_contents_are_flushed_before_the_name_and_the_name_after(tmp_path, calls):
    write_text(tmp_path / "folder" / "a.txt", "whole")
    (first, temporary), renamed, last = calls
    assert first == "fsync"
    assert temporary.endswith("@a.txt")
    assert renamed == ("rename", temporary, "a.txt")
    assert last == ("fsync", "folder")


def test_whoever_reads_the_old_file_keeps_reading_it(tmp_path):
    write_text(tmp_path / "a.txt", "old")
    with open(tmp_path / "a.txt") as reader:
        write_text(tmp_path / "a.txt", "new contents")
        assert reader.read() == "old"
    assert (tmp_path / "a.txt").read_text() == "new contents"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("kind", ["by the system", "in words of HDF5"])
def test_no_room_names_the_file_and_what_to_do(tmp_path, number, kind):
    path = tmp_path / "a.h5"
    error = OSError(number, "no") if kind == "by the system" else RuntimeError(f"can't write (errno = {number}, 'no')")
    with pytest.raises(OSError, match=re.escape(f"for {path}. Make room")) as raised, atomic_path(path):
        raise error
    assert raised.value.errno == number
    assert os.listdir(tmp_path) == []
