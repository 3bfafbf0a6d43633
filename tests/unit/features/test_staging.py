"""Slides on a local disk while they are read: the same bytes, a bounded number of them, and nothing left behind."""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from molpath.common.files import temporary_of
from molpath.common.slide_parts import parts_of
from molpath.features.staging import InPlace, Staging, stage
from slide_doubles import open_in_folder

HOLD = """
import sys, time
from molpath.features.staging import stage
with stage([sys.argv[1]], sys.argv[2], 1.0) as staging:
    while not staging.path_of(0):
        time.sleep(0.01)
    print(staging.path_of(0), flush=True)
    time.sleep(600)
"""


def features_of(shard) -> dict[str, bytes]:
    folder = shard.wsi / "20x_32px_0px_overlap" / "features_mean_colour"
    contents = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    shutil.rmtree(folder)
    return contents


def as_files(shard, suffix: str) -> dict[str, str]:
    """The shard's slides under names of a format that is one file, or (mrxs) a file and a folder."""
    copies = {}
    for row in shard.rows:
        source, target = shard.folder / f"{row['slide_id']}.npy", shard.folder / f"{row['slide_id']}{suffix}"
        if suffix == ".mrxs":
            target.touch()
            target.with_suffix("").mkdir()
            shutil.copy(source, target.with_suffix("") / "pixels.npy")
        else:
            shutil.copy(source, target)
        copies[row["slide_id"]] = str(target)
    return copies


def wait_for(condition) -> None:
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(("suffix", "more"), [(".svs", {}), (".mrxs", {"opener": open_in_folder})])
def test_features_are_the_same_to_the_byte(shard, tmp_path, caplog, suffix, more):
    """With room for one slide, too, while batches hold patches of two."""
    caplog.set_level(logging.INFO)
    shard.add("a", 45).add("b", 3).add("broken", 9).add("c", 20).write()
    slides = as_files(shard, suffix)
    if suffix == ".mrxs":
        (Path(slides["broken"]).with_suffix("") / "pixels.npy").write_bytes(b"no pixels")
    plain = shard.extract(slides=slides, **more), features_of(shard)
    largest = max(path.stat().st_size for path in shard.folder.glob("*.npy"))
    for quota in (largest, 10 * largest):
        staged = shard.extract(
            slides=slides, scratch=str(tmp_path / "scratch"), scratch_gb=quota / 1e9, batch_size=8, workers=2, **more
        )
        assert (staged, features_of(shard)) == plain
        assert not list((tmp_path / "scratch").iterdir())
    assert plain[0]["broken"]["reason"] == "unreadable"
    assert "GB of slides copied to local disk" in caplog.text
    assert "in place" not in caplog.text


@pytest.fixture
def files(tmp_path) -> list[str]:
    """Four slides of ten bytes."""
    paths = [tmp_path / f"{name}.tif" for name in "abcd"]
    for path in paths:
        path.write_bytes(b"0123456789")
    return list(map(str, paths))


def test_the_quota_holds(files, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    Path(files[2]).write_bytes(b"x" * 30)
    with Staging(files, str(tmp_path / "scratch"), 25) as staging:
        wait_for(lambda: staging.path_of(2))
        assert [Path(staging.path_of(slide)).read_bytes() for slide in (0, 1)] == [b"0123456789"] * 2
        assert staging.path_of(2) == files[2]
        time.sleep(0.2)
        assert staging.path_of(3) is None
        staging.release(0)
        wait_for(lambda: staging.path_of(3))
        assert sum(path.stat().st_size for path in staging.folder.rglob("*.tif")) == 20
    assert not list((tmp_path / "scratch").iterdir())
    assert f"{files[2]} is read in place" in caplog.text


def test_a_full_disk_is_reported_and_the_slide_read_in_place(files, tmp_path, caplog):
    (tmp_path / "scratch").mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path / "scratch")]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here (needs root)")
    Path(files[0]).write_bytes(b"x" * 200_000)
    try:
        with stage(files, str(tmp_path / "scratch"), 1.0) as staging:
            wait_for(lambda: staging.path_of(3))
            assert staging.path_of(0) == files[0]
            assert Path(staging.path_of(1)).parent != tmp_path
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "scratch")], check=True)
    assert "No space left on device" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_a_job_that_was_ended(files, tmp_path, number):
    scratch = tmp_path / "scratch"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, files[0], str(scratch)]
    job = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert Path(job.stdout.readline().strip()).read_bytes() == b"0123456789"
    job.send_signal(number)
    assert job.wait(60) == -number
    job.stdout.close()
    if number == signal.SIGKILL:
        kept = [temporary_of(scratch / "molpath-slides"), scratch / ".tmp-elsewhere@1@molpath-slides"]
        for folder in kept:
            folder.mkdir()  # of a job that lives, and of another machine
        assert len(list(scratch.iterdir())) == 3
        with stage(files, str(scratch), 1.0):
            assert sorted(scratch.iterdir()) == sorted(kept)
        assert list(scratch.iterdir()) == kept[1:]
    assert [path.name for path in scratch.iterdir()] == [".tmp-elsewhere@1@molpath-slides"] * (number == signal.SIGKILL)


def test_a_copy_that_somebody_removed_is_not_the_slides_fault(files, tmp_path):
    with stage(files, str(tmp_path / "scratch"), 1.0) as staging:
        wait_for(lambda: staging.path_of(0))
        os.unlink(staging.path_of(0))
        with pytest.raises(FileNotFoundError, match=r"a copy of \S+/a.tif, was removed"):
            staging.path_of(0)


def test_scratch_may_be_a_variable_and_must_be_usable(files, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("LOCAL", str(tmp_path / "local"))
    with stage(files, "$LOCAL", 1.0) as staging:
        assert staging.folder.parent == tmp_path / "local"
    (tmp_path / "file").touch()
    for unusable in ("$NO_SUCH_VARIABLE/x", str(tmp_path / "file")):
        with stage(files, unusable, 1.0) as staging:
            assert isinstance(staging, InPlace)
    assert "no such variable" in caplog.text
    assert "can't be used here" in caplog.text


def dicom(series: bytes) -> bytes:
    return bytes(128) + b"DICM" + b"\x20\x00\x0e\x00UI" + len(series).to_bytes(2, "little") + series + b"more"


def test_files_of_a_slide(tmp_path):
    for name in ("s.svs", "s.ome.tif", "s.xyz", "m.mrxs", "m/Index.dat", "m/Data0000.dat", "other/Data0000.dat"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name, series in (("1.dcm", b"1.2.3"), ("2.dcm", b"1.2.3"), ("3.dcm", b"1.2.34")):
        (tmp_path / name).write_bytes(dicom(series))
    (tmp_path / "none.dcm").write_bytes(b"no DICOM")
    (tmp_path / "v.vms").write_text("[Virtual Microscope Specimen]\nNoLayers=1\nImageFile=v.jpg\nMacroImage=../s.svs\n")
    (tmp_path / "v.jpg").touch()

    def names(slide):
        return [path.relative_to(tmp_path).as_posix() for path in parts_of(tmp_path / slide)]

    assert names("s.svs") == ["s.svs"]
    assert names("m.mrxs") == ["m.mrxs", "m/Data0000.dat", "m/Index.dat"]
    assert names("2.dcm") == ["1.dcm", "2.dcm"]
    assert names("v.vms") == ["v.vms", "v.jpg"]
    assert [names(name) for name in ("s.ome.tif", "s.xyz", "none.dcm")] == [[], [], []]
