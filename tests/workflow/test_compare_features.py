"""`snakemake compare_features`: one slide compared with features that the user has of it."""

import h5py
import numpy as np
import pytest
from PIL import Image
from projects import call_snakemake, write_table

CONFIG = """slides: {sheet: slides.tsv}
tiles: {grids: {main: {patch_size: 32}}}
features:
  encoders: {mean: {adapter: mean_colour}}
  compare: {slide: %s, grid: main, encoder: mean, file: theirs.h5}
"""


@pytest.fixture
def project(tmp_path):
    """A slide of squares of one colour each, with a file of their colours."""
    colours = np.random.default_rng(0).integers(0, 256, (8, 16, 3), np.uint8)
    Image.fromarray(np.repeat(np.repeat(colours, 64, 0), 64, 1)).save(tmp_path / "a.png")
    ys, xs = np.mgrid[:8, :16]
    with h5py.File(tmp_path / "theirs.h5", "w") as handle:
        handle["features"] = colours.reshape(-1, 3) / 255
        handle["coords"] = np.stack([xs.ravel(), ys.ravel()], 1) * 64
        attributes = {"patch_size": 32, "patch_size_level0": 64, "target_magnification": 20, "overlap": 0}
        handle["coords"].attrs.update(attributes)
    write_table(tmp_path / "slides.tsv", [{"slide_id": "S1", "case_id": "C1", "path": "a.png", "mpp": "0.25"}])
    return tmp_path


def run(folder, repository, slide):
    (folder / "config.yaml").write_text(CONFIG % slide)
    workflow = repository / "workflow/Snakefile"
    return call_snakemake(folder, workflow, "compare_features", "--configfile", "config.yaml", "--cores", "1")


def test_the_cosine_is_printed(project, repository):
    done = run(project, repository, "S1")
    assert done.returncode == 0, done.stdout[-3000:]
    output = done.stdout
    assert "S1, 64 patches beside theirs.h5: cosine 1.000000 (median)" in output
    assert "the same features, up to rounding" in output


def test_a_slide_that_is_not_there_is_named_before_anything_runs(project, repository):
    done = run(project, repository, "S2")
    assert done.returncode == 1
    assert "config, key features/compare/slide: no slide is called 'S2'" in done.stdout
