"""A file is used unchanged only if its bytes are those that its job recorded."""

import os

import h5py
import pytest
from molpath.common import recorded
from molpath.common.files import fingerprint, new_h5
from molpath.common.record import ChangedFile, Record, check_intact, is_current
from molpath.common.recorded import read_rows, row_of
from molpath.common.stamps import ForeignFile, stamp_h5

STAMP = {"inputs": "0" * 16, "code": "1" * 16}


def write(path, record, value=1.0):
    with new_h5(path, record.writing) as handle:
        handle["features"] = [value] * 200
        stamp_h5(handle, STAMP)
    return path


@pytest.fixture
def path(tmp_path):
    """A recorded file of slide a, next to one of slide b."""
    record = Record("00000")
    write(tmp_path / "b.h5", record, 2.0)
    write(tmp_path / "a.h5", record)
    record.close([tmp_path])
    return tmp_path / "a.h5"


def current(path, record=None, **more):
    return is_current(path, record or Record("00000"), *STAMP.values(), **more)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "flipped": flip,
    "cut": lambda path: os.truncate(path, path.stat().st_size - 9),
    "empty": lambda path: os.truncate(path, 0),
    "replaced": lambda path: path.write_bytes(path.with_name("b.h5").read_bytes()),
    "replaced, with its time": lambda path: os.utime(
        path, ns=(0, os.stat(path).st_mtime_ns + path.write_bytes(path.with_name("b.h5").read_bytes()))
    ),
    "no file of its kind": lambda path: path.write_bytes(b"0" * path.stat().st_size),
    "deleted": lambda path: path.unlink(),
}


def test_a_whole_file_is_taken_without_a_look_at_its_bytes(path, monkeypatch):
    monkeypatch.setattr(recorded, "sha256_of", None)
    assert current(path)
    assert Record("00000").row(path).bytes == path.stat().st_size


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_remade_and_the_log_says_so(path, damage, caplog):
    DAMAGE[damage](path)
    assert not current(path, accept_other_code=True)
    assert (
        damage == "deleted" or f"{path} is damaged, or was changed since it was made: it is made again" in caplog.text
    )
    write(path, Record("00000"))
    assert current(path)


@pytest.mark.parametrize("damage", DAMAGE)
def test_nothing_is_made_of_a_damaged_file(path, damage):
    digest = fingerprint(path)
    check_intact(path, digest, Record(), "extract_features")
    DAMAGE[damage](path)
    for expected in (digest, ""):
        with pytest.raises(ChangedFile, match=r"a\.h5 .*--forcerun extract_features"):
            check_intact(path, expected, Record(), "extract_features")


def test_a_touched_or_copied_file_is_what_it_was(path, monkeypatch):
    os.utime(path, ns=(1, 1))
    assert current(path)
    monkeypatch.setattr(recorded, "sha256_of", None)  # the row of now is carried over
    assert current(path)


def test_a_job_that_finds_a_file_never_says_what_it_is(path):
    flip(path)
    record = Record("00000")
    before = {row.sha256 for row in record.rows(path)}
    assert not current(path, record)
    record.close([path.parent])
    assert {row.sha256 for row in Record("00000").rows(path)} == before


def test_a_row_moved_to_another_shard_goes_along(path):
    assert current(path, Record("00007"))
    assert [row.name for row in read_rows(path.parent / ".record/00007.tsv")] == ["a.h5"]
    write(path, Record("00007"), 3.0)
    assert current(path, Record("00000"))  # moved back: its old row describes a file that is gone


def test_without_a_record_a_file_is_remade_or_accepted_on_the_users_word(path, caplog):
    for entry in (path.parent / ".record").iterdir():
        entry.unlink()
    assert not current(path)
    assert "nothing is recorded" in caplog.text
    assert current(path, accept_other_code=True)
    flip(path)
    assert not current(path, accept_other_code=True)


@pytest.mark.parametrize("text", [b"", b"\x89HDF\r\n\x1a\n", b"theirs"])
def test_a_torn_file_of_our_name_and_place_is_recognised_as_ours(tmp_path, text, caplog):
    (tmp_path / "c.h5").write_bytes(text)
    assert not current(tmp_path / "c.h5")
    assert "c.h5 is incomplete, or not of its type" in caplog.text


def test_a_whole_file_that_never_was_ours_is_protected(tmp_path):
    with h5py.File(tmp_path / "c.h5", "w") as handle:
        handle["features"] = [1.0]
    (tmp_path / "d.h5").mkdir()
    for name in ("c.h5", "d.h5"):
        with pytest.raises(ForeignFile, match=name):
            current(tmp_path / name)


def test_a_file_that_may_not_be_read_is_the_machines_fault(path, monkeypatch):
    monkeypatch.setattr("molpath.common.stamps.open", lambda *_: (_ for _ in ()).throw(PermissionError), raising=False)
    (path.parent / ".record/00000.tsv").unlink()
    path.write_bytes(b"")
    with pytest.raises(PermissionError):
        current(path)


def test_a_job_killed_between_row_and_file_leaves_a_whole_record(path, tmp_path):
    before = path.read_bytes()

    def killed():
        with Record("00000").writing(path) as temporary:
            temporary.write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert path.read_bytes() == before
    place = tmp_path / ".record/00000.tsv"
    with open(place, "a") as handle:
        handle.write(row_of(path)._replace(bytes=7, sha256="0" * 64).line() + "a.h5\t12")  # of a file that never came
    assert current(path)
    Record("00000").close([tmp_path])
    assert [row.name for row in read_rows(place)] == ["a.h5", "b.h5"]
    assert current(path)


def test_a_damaged_record_costs_a_file_and_never_takes_one(path, tmp_path):
    place = tmp_path / ".record/00000.tsv"
    text = place.read_bytes()
    for at in range(0, len(text), 7):
        place.write_bytes(text[:at] + bytes([text[at] ^ 4]) + text[at + 1 :])
        flipped, whole = path.read_bytes(), path.read_bytes()
        flip(path)
        assert not current(path)
        path.write_bytes(whole)
        assert flipped == whole


@pytest.mark.parametrize("line", ["a.h5\t²\t1\t" + "0" * 64, "a.h5\t" + "1" * 5000 + "\t1\t" + "0" * 64])
def test_lines_with_bad_numbers_are_ignored(path, line):
    place = path.parent / ".record/00000.tsv"
    place.write_text(f"{line}\n{place.read_text()}")
    assert [row.name for row in read_rows(place)] == ["a.h5", "b.h5"]


def test_a_torn_line_swallows_no_other(tmp_path):
    record = Record("00000")
    write(tmp_path / "a.h5", record)
    with open(tmp_path / ".record/00000.tsv", "ab") as handle:
        handle.write(b"torn.h5\t12")  # as a disk that is full for a moment leaves it
    write(tmp_path / "b.h5", record)
    record.close([tmp_path])
    assert current(tmp_path / "a.h5")
    assert current(tmp_path / "b.h5")


def test_a_record_that_another_run_removed_is_reported(path):
    (path.parent / ".record/00000.tsv").unlink()
    with pytest.raises(ChangedFile, match=r"nothing is recorded of .*a\.h5"):
        Record("00000").row(path)


def test_a_closed_record_lists_the_files_that_exist(path):
    assert [row.name for row in read_rows(path.parent / recorded.FOLDER / "00000.tsv")] == ["a.h5", "b.h5"]
    path.unlink()
    Record("00000").close([path.parent])
    assert [row.name for row in read_rows(path.parent / recorded.FOLDER / "00000.tsv")] == ["b.h5"]


@pytest.mark.parametrize("end", ["0" * 64, "0" * 63 + "\n", "0" * 65 + "\n", "\n", f"{'0' * 64}\tmore\n"])
def test_a_torn_or_damaged_line_is_ignored(tmp_path, end):
    whole = f"a.h5\t1\t2\t{'0' * 64}\n"
    (tmp_path / "r.tsv").write_text(f"{whole}b.h5\t1\t2\t{end}")
    assert [row.name for row in read_rows(tmp_path / "r.tsv")] == ["a.h5"]


def test_a_copy_without_times_is_read_once_and_a_damaged_one_never_remembered(path, monkeypatch):
    row = Record("00000").row(path)
    os.utime(path, (10**9, 10**9))  # as `cp -r` leaves it
    check_intact(path, row.fingerprint, Record(), "extract_features")
    with monkeypatch.context() as unread:
        unread.setattr(recorded, "sha256_of", None)
        check_intact(path, row.fingerprint, Record(), "extract_features")
        assert current(path)
    flip(path)
    for _ in range(2):
        with pytest.raises(ChangedFile, match="damaged"):
            check_intact(path, row.fingerprint, Record(), "extract_features")
    assert not current(path)
