"""A slide of 150,000 x 150,000 pixels goes through inspection, tissue and tiling within 1.5 GB."""

import json
import os
import subprocess
import sys

import pytest
from giant_slide import write_giant
from molpath.common.files import read_tsv

MOST_MB = 1500
GRID = {
    "name": "20x_256px_0px_overlap",
    "magnification": 20,
    "mpp": None,
    "scale": "mpp",
    "patch_size": 256,
    "overlap": 0,
    "min_tissue": 0.0,
    "drop": ["pen", "out_of_focus"],
    "max_dropped_fraction": 0.5,
}


def peaks_of(folder, tissue_settings, repository):
    """MB that each stage held, and the rows of the manifests."""
    settings = {"tissue": tissue_settings, "grid": GRID, "memory_mb": MOST_MB - 200}
    peaks, rows = {}, {}
    for stage in ("inspect", "assess", "tile"):
        done = subprocess.run(
            [sys.executable, repository / "tests/faults/giant_stage.py", stage, folder, json.dumps(settings)],
            env=os.environ | {"PYTHONPATH": str(repository / "workflow/scripts"), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        peaks[stage] = float(done.stdout.split()[-1])
        rows[stage] = read_tsv(folder / f"{stage}.tsv").iloc[0]
        assert rows[stage].status == "ok", rows[stage].detail
    return peaks, rows


def test_a_giant_slide_stays_within_1500_mb(tmp_path, tissue_settings, repository):
    write_giant(tmp_path / "giant.svs", 150_000, 150_000)
    peaks, rows = peaks_of(tmp_path, tissue_settings, repository)
    assert max(peaks.values()) <= MOST_MB, peaks
    assert float(rows["assess"].tissue_fraction) == pytest.approx(0.25, abs=0.02)
    assert int(rows["tile"].n_patches) > 20_000


@pytest.mark.slow
def test_a_large_slide_of_one_level_stays_within_1500_mb(tmp_path, tissue_settings, repository):
    """1.6 billion pixels that can't be obtained any smaller: whole in memory they would take 11 GB."""
    write_giant(tmp_path / "giant.svs", 40_000, 40_000, levels=(1,))
    peaks, rows = peaks_of(tmp_path, tissue_settings, repository)
    assert max(peaks.values()) <= MOST_MB, peaks
    assert float(rows["assess"].tissue_fraction) == pytest.approx(0.25, abs=0.04)
