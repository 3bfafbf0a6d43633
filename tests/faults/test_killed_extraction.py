"""Feature extraction killed at random moments, or out of disk: whole files or none, and the same bytes in the end."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path

import numpy as np
import pytest
from feature_shard import feature_files, lay_out
from giant_slide import write_giant
from molpath.common.files import is_temporary
from molpath.features.extraction import extract_shard

JOB = Path(__file__).parents[1] / "helpers/extraction_job.py"
ENCODER = {"name": "thumbnails", "adapter": "extraction_job:thumbnails", "workers": 1, "batch_size": 8}
PATCHES = 30


@pytest.fixture
def shard(tmp_path):
    """Eight slides of 30 patches (synthetic, two files that four slides each share) and the arguments of their job."""
    files = [
        str(write_giant(tmp_path / f"{name}.svs", 8000, 8000, mpp, tissue=0.6))
        for name, mpp in (("a", 0.25), ("b", 0.2))
    ]
    slides = dict(zip((f"s{index}" for index in range(8)), islice(cycle(files), 8), strict=True))
    corners = np.stack(np.meshgrid(np.arange(6), np.arange(5)), -1).reshape(-1, 2) * 1024
    coords = {slide_id: corners + index * 16 for index, slide_id in enumerate(slides)}
    return lay_out(tmp_path, slides, coords) | {"encoder": ENCODER, "threads": 1}


def start(arguments: dict, folder: Path) -> subprocess.Popen:
    """The job, its messages in the file `messages`."""
    (folder / "arguments.json").write_text(json.dumps(arguments))
    with open(folder / "messages", "w") as log:
        return subprocess.Popen(
            [sys.executable, JOB, folder / "arguments.json"],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
            stderr=log,
        )


def whole(files: dict[str, bytes]) -> dict[str, bytes]:
    """Files under their final names."""
    return {name: contents for name, contents in files.items() if not is_temporary(name)}


def features_of(folder: Path, shard: dict) -> Path:
    """Where feature files are."""
    return folder / "wsi" / shard["grid"]["name"] / "features_thumbnails"


def has_children(process: subprocess.Popen) -> bool:
    """True as soon as the job has started a reader."""
    tasks = Path(f"/proc/{process.pid}/task")
    return any((task / "children").read_text() for task in tasks.iterdir())


def watch(process: subprocess.Popen, folder: Path, expected: dict[str, bytes], stop) -> bool:
    """Look at the folder of features until `stop(files)`, then kill the job. False if it ended before.

    At no time may a file under a final name be anything but whole.
    """
    while process.poll() is None:
        files = feature_files(folder, "thumbnails")
        assert whole(files).items() <= expected.items()
        if stop(files):
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.005)
    assert process.returncode == 0, (folder / "messages").read_text()[-3000:]
    return False


def wait_for_readers(process: subprocess.Popen) -> float:
    """When work begins, or the job ends because one killed after its last file had left nothing to do."""
    while process.poll() is None and not has_children(process):
        time.sleep(0.01)
    return time.monotonic()


@pytest.mark.slow
def test_twenty_kills_leave_the_same_bytes(tmp_path, shard):
    process = start(shard, tmp_path)
    began = wait_for_readers(process)
    assert process.wait() == 0, (tmp_path / "messages").read_text()[-3000:]
    seconds = time.monotonic() - began
    expected, manifest = feature_files(tmp_path, "thumbnails"), Path(shard["manifest"]).read_bytes()
    moments, kills, after = random.Random(0), 0, ["end"]
    while kills < 24:
        if after[-1] == "end":  # nothing is left to do: from the beginning
            assert feature_files(tmp_path, "thumbnails") == expected
            assert Path(shard["manifest"]).read_bytes() == manifest
            shutil.rmtree(features_of(tmp_path, shard))
            Path(shard["manifest"]).unlink()
        process = start(shard, tmp_path)
        moment = wait_for_readers(process) + moments.uniform(0, seconds)
        if kills < 20:
            killed = watch(process, tmp_path, expected, lambda _, moment=moment: time.monotonic() > moment)
        else:  # four more in the middle of a file
            own = f"@{process.pid}@"
            killed = watch(process, tmp_path, expected, lambda files, own=own: any(own in name for name in files))
        kills += killed
        after.append(len(whole(feature_files(tmp_path, "thumbnails"))) if killed else "end")
    print(f"whole files after each kill, or the end of a run: {after[1:]}")
    assert finished_files(shard, tmp_path) == expected
    assert Path(shard["manifest"]).read_bytes() == manifest


def finished_files(shard: dict, folder: Path) -> dict[str, bytes]:
    """Files after a run that nothing disturbs."""
    process = start(shard, folder)
    assert process.wait() == 0, (folder / "messages").read_text()[-3000:]
    return feature_files(folder, "thumbnails")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 900 kB (tmpfs), grown by `remount`; skips where one can't be mounted."""
    folder = tmp_path / "wsi"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=900k", "tmpfs", str(folder)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here (needs root)")
    yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_named_and_the_run_continues_when_there_is_room(tmp_path, small_disk, shard):
    with pytest.raises(OSError, match=r"No space left on device for \S+/s\d\.h5\. Make room there"):
        extract_shard(**shard)
    kept = whole(feature_files(tmp_path, "thumbnails"))
    assert 0 < len(kept) < 8
    assert whole(feature_files(tmp_path, "thumbnails")) == feature_files(tmp_path, "thumbnails")
    assert not Path(shard["manifest"]).exists()
    small_disk("20m")
    written = {name: (features_of(tmp_path, shard) / name).stat().st_mtime_ns for name in kept}
    extract_shard(**shard)
    paths = feature_files(tmp_path, "thumbnails")
    assert len(paths) == 8
    assert kept.items() <= paths.items()
    assert all((features_of(tmp_path, shard) / name).stat().st_mtime_ns == when for name, when in written.items())
