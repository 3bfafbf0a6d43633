"""Parts of the gallery of slides: where patches are drawn, and what a map is called."""

import base64
import io
import re

import h5py
import numpy as np
import pytest
from molpath.tables.gallery import kind_of, title_of
from molpath.tables.patch_pictures import CELL, picture_of_patches
from PIL import Image


def drawn(folder, corners, edge, overlap, size):
    """A row of the picture of patches (bool), and level-0 pixels to one of its own. corners: x of patches of one row;
    size: width, height."""
    path = folder / "S_patches.h5"
    with h5py.File(path, "w") as handle:
        dataset = handle.create_dataset("coords", data=np.array([[x, 0] for x in corners]))
        dataset.attrs.update({"patch_size": 224, "patch_size_level0": edge, "overlap": overlap})
    picture = picture_of_patches(path, 0, size)
    share = float(re.search(r"width:([\d.]+)%", picture)[1]) / 100
    code = re.search(r"base64,([^\"]+)", picture)[1]
    row = np.asarray(Image.open(io.BytesIO(base64.b64decode(code))).convert("RGBA"))[0, :, 3] > 0
    return row, share * size[0] / len(row)


@pytest.mark.parametrize("first", [0, 300])
def test_patches_of_a_grid_that_begins_anywhere_are_where_they_were_cut(tmp_path, first):
    corners = [first, first + 448, first + 1344]
    row, scale = drawn(tmp_path, corners, 448, 0, (4000, 448))
    left = np.flatnonzero(row & ~np.r_[False, row[:-1]]) * scale
    assert left == pytest.approx(corners, abs=scale)


@pytest.mark.parametrize(("edge", "step"), [(443, 317), (444, 317)])
def test_no_overlapping_patch_is_lost_where_steps_are_rounded(tmp_path, edge, step):
    """Of 443 and 444 pixels with an overlap of 2 / 7, the step is 316.4 and 317.1 before it is rounded."""
    corners = [k * step for k in range(400)]
    row, scale = drawn(tmp_path, corners, edge, 64, (400 * step, edge))
    assert row.sum() == 400 * (CELL - 1)
    assert len(row) * scale == pytest.approx(400 * step, abs=2 * scale)


def test_a_model_may_be_called_figures():
    path = "results/figures/contributions/figures/task/S1.png"
    assert (kind_of(path), title_of(path)) == ("contributions", "figures/task")
    assert title_of("figures/study/results/figures/attention/m/S1.png") == "m"
