"""What the doctor says of file systems that are well, full, read-only or broken."""

import os
import shutil
import subprocess
from collections import namedtuple

import pytest
from molpath.preflight import storage
from molpath.preflight.estimate import estimate, in_words

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def tiny_disk(tmp_path):
    """A function that mounts a file system of some bytes, where this user may; read-only on request."""
    mounted = []

    def mount(size: int, options: str = "") -> str:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "none", str(folder)]
        if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("file systems can't be mounted here (that takes root)")
        mounted.append(folder)
        return str(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def everything_below(folder) -> list:
    return sorted(folder.rglob("*"))


def test_a_good_file_system_is_well_and_stays_as_it_was(tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    (results / "kept").write_text("x")
    before = everything_below(tmp_path)
    findings = [
        *storage.check_writable({"results": str(results), "resources": str(tmp_path / "new/resources")}),
        storage.check_space(str(results), {"features": 1000.0}),
        storage.check_files(str(results), 10),
        storage.check_rename(str(results)),
        storage.check_hdf5(str(results)),
        storage.check_clock(str(results)),
    ]
    assert [(item.check, item.verdict) for item in findings if item.verdict != "ok"] == []
    assert everything_below(tmp_path) == before
    assert f"can be made in {tmp_path}" in findings[1].found


def test_a_file_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "results").write_text("no folder")
    (finding,) = storage.check_writable({"results": str(tmp_path / "results/deeper")})
    assert finding.verdict == "problem"
    assert f"{tmp_path}/results is a file where a folder should be" in finding.found


def test_a_read_only_disk(tiny_disk):
    folder = tiny_disk(1 << 20, ",ro")
    (finding,) = storage.check_writable({"results": folder})
    assert finding.verdict == "problem"
    assert "Read-only file system" in finding.found
    assert "mount it for writing" in finding.remedy
    assert storage.check_rename(folder).verdict == storage.check_hdf5(folder).verdict == "problem"


def test_a_disk_that_is_too_small(tiny_disk):
    folder = tiny_disk(4 << 20)
    finding = storage.check_space(folder, {"slides": 1e6, "features 20x uni": 30e9})
    assert finding.verdict == "problem"
    assert "about 30 GB, by the costs of `snakemake plan`, most of it features 20x uni" in finding.found
    assert storage.check_space(folder, {"slides": 1e6}).verdict == "ok"


def test_a_disk_that_is_nearly_too_small(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 1.1e12))
    finding = storage.check_space(str(tmp_path), {"features": 1e12})
    assert (finding.verdict, "1.1 TB free" in finding.found) == ("note", True)


def test_no_scratch(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 1e9))
    (finding,) = storage.check_scratch(5e9, "", 100)
    assert (finding.verdict, "TMPDIR" in finding.remedy, "up to 7 GB" in finding.found) == ("note", True, True)


def test_scratch_for_copies_of_slides(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 50e9))
    monkeypatch.setenv("LOCAL", str(tmp_path))
    requests = [("$LOCAL/later", 40), ("$LOCAL", 60), ("$NO_SUCH_VARIABLE", 1)]
    findings = [list(storage.check_scratch(0, *request))[1] for request in requests]
    assert [(finding.check, finding.verdict) for finding in findings] == [
        ("scratch for slides", word) for word in ("ok", "note", "note")
    ]
    assert "is not set here" in findings[2].found


def test_too_few_inodes(tiny_disk):
    folder = tiny_disk(1 << 20, ",nr_inodes=20")
    assert storage.check_files(folder, 1000).verdict == "problem"
    assert storage.check_files(folder, 5).verdict == "ok"


def test_a_rename_that_fails(tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "replace", refuse)
    finding = storage.check_rename(str(tmp_path))
    assert (finding.verdict, "Function not implemented" in finding.found) == ("problem", True)
    assert everything_below(tmp_path) == []


def test_a_rename_that_does_nothing_the_second_time(tmp_path, monkeypatch):
    real = os.replace
    monkeypatch.setattr(os, "replace", lambda s, t: os.unlink(s) if os.path.exists(t) else real(s, t))
    finding = storage.check_rename(str(tmp_path))
    assert (finding.verdict, "old contents" in finding.found) == ("problem", True)


def test_locks_that_are_refused(tmp_path, monkeypatch):
    import h5py

    def refuse(*arguments, **options):
        raise BlockingIOError(11, "unable to lock file, errno = 11")

    monkeypatch.setattr(h5py, "File", refuse)
    finding = storage.check_hdf5(str(tmp_path))
    assert (finding.verdict, "unable to lock file" in finding.found) == ("problem", True)
    assert "HDF5_USE_FILE_LOCKING=FALSE" in finding.remedy
    assert everything_below(tmp_path) == []


def test_locks_that_hang(tmp_path, monkeypatch):
    import time

    import h5py

    monkeypatch.setattr(h5py, "File", lambda *arguments, **options: time.sleep(60))
    monkeypatch.setattr(storage, "LOCK_DEADLINE_S", 0.5)
    finding = storage.check_hdf5(str(tmp_path))
    assert (finding.verdict, "no answer in 0.5 s" in finding.found) == ("problem", True)


def test_a_clock_that_differs_from_the_file_systems(tmp_path, monkeypatch):
    import time

    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 90)
    finding = storage.check_clock(str(tmp_path))
    assert (finding.verdict, "90." in finding.found) == ("note", True)


def test_the_estimate(repository, tmp_path):
    """20 slides; features of 10 that aren't there yet, 2,653.0871 patches each times 2, fp16 and 16 bytes."""
    tables = {name: str(repository / f"resources/costs/{name}.tsv") for name in ("costs", "encoders", "gpus")}
    grid = {"name": "g", "density": 2.0, "area": 1.0}
    item = {"grid": grid, "encoder": "e", "dim": 1536, "parameters": 1e6, "input_size": 224}
    item |= {"crops": 1, "fetch": 1, "network": "uni_v2", "precision": "bf16"}
    request = {
        "shards": {"00000": 10, "00001": 10},
    }
    request |= {"features": [item | {"shards": ["00001"]}], "stores": [item | {"shards": ["00001"]}]}
    estimated = estimate(request, tables, str(tmp_path))
    patches = 26530.871 * 2
    assert estimated.patches == pytest.approx(patches)
    assert estimated.download == pytest.approx(4e6)
    assert estimated.files == 20 * 4 + 10
    assert estimated.sizes == pytest.approx(
        {
            "tissue slides": 20 * 300_000,
            "features g e": patches * (2 * 1536 + 16) + 4e6,
            "pretrain store g e": 2 * patches * 2 * 1536,  # kept, too
        }
    )


def test_sizes_in_words():
    assert [in_words(size) for size in (1234, 5.5e6, 1e9, 4.07e13)] == ["1.23 kB", "5.5 MB", "1 GB", "40.7 TB"]
