"""Two runs on one results folder: the second is refused, and whoever unlocks it all the same finds every file whole."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest
from molpath.common.files import is_temporary
from molpath.demo.cohort import make_cohort

DEADLINE_S = 120
#: A user's own encoder, wide, so that files take a while to write. It goes on past its first batch only where a file
#: `go` is in the working directory, which is how the test has two jobs write the same files at the same moment.
ENCODER = """
import time
from pathlib import Path


class Held:
    dim, input_size, interpolation, mean, std = 12288, 0, "bicubic", (0.5,) * 3, (0.5,) * 3
    calls = 0

    def to(self, device):
        return self

    def __call__(self, batch):
        self.calls += 1
        while self.calls > 1 and not Path("go").exists():
            time.sleep(0.05)
        edge = batch.shape[1] // 64
        return batch.unflatten(2, (64, edge)).unflatten(1, (64, edge)).float().mean((2, 4)).floor().flatten(1)


def build(weights, config):
    return Held()
"""
CONFIG = {
    "slides": {"sheet": "slides.tsv", "max_failed_fraction": 0.9},
    "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.25}}},
    "features": {
        "encoders": {"held": {"adapter": "held:build", "batch_size": 16, "workers": 1}},
        "use": [{"grid": "main", "encoder": "held"}],
    },
}


class Run(subprocess.Popen):
    """Snakemake in the background, its words in a file of the folder."""

    def __init__(self, folder: Path, repository: Path, *arguments: str):
        command = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
        command += ["--configfile", "config.json", "--cores", "1", *arguments]
        self.log = folder / f"log-{time.monotonic_ns()}"
        with self.log.open("w") as output:
            super().__init__(
                list(map(str, command)),
                cwd=folder,
                stdout=output,
                stderr=output,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )

    def ends(self) -> tuple[int, str]:
        """Exit status and words."""
        return self.wait(DEADLINE_S), self.log.read_text()


def succeed(folder: Path, repository: Path, *arguments: str) -> str:
    """A run to its end, which must be a good one; its words."""
    status, output = Run(folder, repository, *arguments).ends()
    assert status == 0, output[-4000:]
    return output


def wait_for(condition: Callable[[], bool], run: Run) -> None:
    """Until `what()` is true; the run may not end before."""
    until = time.monotonic() + DEADLINE_S
    while not condition():
        assert run.poll() is None, run.log.read_text()[-4000:]
        assert time.monotonic() < until
        time.sleep(0.1)


def children_of(process: int | str) -> list[str]:
    """Ids of the processes that a process has started."""
    return [child for path in Path(f"/proc/{process}/task").glob("*/children") for child in path.read_text().split()]


def extracts(run: Run) -> bool:
    """True as soon as a job of the run has started a reader of slides."""
    return any(children_of(job) for job in children_of(run.pid))


def results_of(folder: Path) -> dict[str, bytes]:
    """Every manifest and file of a slide; names that are still being written, too."""
    results = folder / "results"
    paths = [path for name in ("features", "wsi") for path in sorted((results / name).rglob("*")) if path.is_file()]
    return {path.relative_to(results).as_posix(): path.read_bytes() for path in paths if path.parent.name != ".record"}


@pytest.fixture
def tiled(tmp_path, repository) -> Path:
    """A folder in which seven generated (synthetic) cases are tiled, and one shard of features is left to do."""
    folder = tmp_path / "tiled"
    make_cohort(folder, n_cases=7, seed=3)
    (folder / "held.py").write_text(ENCODER)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    succeed(folder, repository, "tiles")
    return folder


def test_two_runs_cannot_spoil_each_others_shard(tiled, repository):
    undisturbed = tiled.with_name("undisturbed")
    shutil.copytree(tiled, undisturbed)
    (undisturbed / "go").touch()
    succeed(undisturbed, repository, "features")
    expected = results_of(undisturbed)
    features = [name for name in expected if "/features_held/" in name]
    assert len(features) > 4

    first = Run(tiled, repository, "features")
    wait_for(lambda: extracts(first), first)
    status, output = Run(tiled, repository, "features").ends()
    assert status == 1
    assert "Directory cannot be locked" in output
    assert "--unlock" in output

    succeed(tiled, repository, "--unlock", "features")  # misuse: the first is alive
    second = Run(tiled, repository, "--rerun-incomplete", "features")
    wait_for(lambda: extracts(second), second)
    time.sleep(1)  # readers of both have their first patches at hand
    assert first.poll() is None
    assert not set(features) & set(results_of(tiled)), "nothing is left for both of them to write"
    (tiled / "go").touch()
    for run in (first, second):
        status, output = run.ends()
        assert status == 0, output[-4000:]

    paths = results_of(tiled)
    assert not [name for name in paths if is_temporary(name)]
    assert paths == expected
    for name in features:
        with h5py.File(tiled / "results" / name) as file:
            assert file["features"].shape[0] == file["coords"].shape[0] > 0
    succeed(tiled, repository, "verify")
