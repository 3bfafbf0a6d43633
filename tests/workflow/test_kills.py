"""Twenty kills at random moments, and the same bytes in the end."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from molpath.demo.cohort import make_cohort

CONFIG = {
    "slides": {"sheet": "slides.tsv", "slides_per_job": 4, "max_failed_fraction": 0.9},
    "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.25}}, "use": ["main"]},
}


def start(folder: Path, repository: Path, *arguments: str) -> subprocess.Popen:
    """Snakemake up to the tiles, in a process group of its own."""
    command = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    command += ["tiles", *arguments, "--configfile", "config.json", "--cores", "2"]
    return subprocess.Popen(
        [str(part) for part in command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def finish(process: subprocess.Popen) -> None:
    """Wait for a run that must succeed."""
    output, _ = process.communicate()
    assert process.returncode == 0, output[-4000:]


def written(folder: Path) -> dict[str, bytes]:
    """Every file of the three stages."""
    results = folder / "results"
    names = ("slides", "tissue", "tiles", "wsi")
    paths = [path for name in names for path in sorted((results / name).rglob("*")) if path.is_file()]
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in paths if path.parent.name != ".record"}


@pytest.mark.slow
def test_twenty_kills_leave_the_same_bytes(tmp_path, repository):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    make_cohort(whole, n_cases=20, seed=2)
    (whole / "config.json").write_text(json.dumps(CONFIG))
    shutil.copytree(whole, killed)
    finish(start(whole, repository))
    expected = written(whole)
    moments = random.Random(0)
    kills = 0
    while kills < 20:
        process = start(killed, repository)
        try:
            process.communicate(timeout=moments.uniform(1.5, 6.0))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            kills += 1
            for lock in (killed / ".snakemake/locks").glob("*"):
                lock.unlink()  # what `snakemake --unlock` does, without its start
            visible = {name for name in written(killed) if "/." not in name}
            assert visible <= set(expected), "a file under a name that no finished run has"
        else:
            assert written(killed) == expected
            shutil.rmtree(killed / "results")
            shutil.rmtree(killed / ".snakemake")
    finish(start(killed, repository))
    assert written(killed) == expected
