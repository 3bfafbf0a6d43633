"""Given coordinates that don't fit their slide set it aside with the reason; a cohort never ends by one of them."""

import re

import h5py
import numpy as np
import pytest
from molpath.common.manifests import accepted
from molpath.common.record import Record
from molpath.tiles.tiling import tile_slide

#: A 40x slide of 4,000 x 3,000 pixels and TRIDENT's grid of 256 pixels at 20x on it.
INSPECTED = accepted("a", width="4000", height="3000", mpp="0.25", magnification="40")
GRID = {"name": "20x_256px_0px_overlap", "label": "", "mpp": None, "scale": "mpp", "magnification": 20}
GRID |= {"patch_size": 256, "overlap": 0, "min_tissue": 0, "drop": [], "max_dropped_fraction": 0.5}
ATTRIBUTES = {
    "patch_size": 256,
    "patch_size_level0": 512,
    "level0_magnification": 40,
    "target_magnification": 20,
    "overlap": 0,
    "level0_width": 4000,
    "level0_height": 3000,
}
COORDS = np.array([[0, 0], [512, 0], [3584, 2560]], np.int64)


def tile(folder, values=COORDS, inspected=INSPECTED, grid=GRID, attributes=ATTRIBUTES, write=None):
    """Manifest row of a slide whose given file holds `values` (or what `write` puts into it)."""
    (folder / "theirs").mkdir(exist_ok=True)
    with h5py.File(folder / "theirs" / "a_patches.h5", "w") as handle:
        if write:
            write(handle, folder)
        else:
            handle["coords"] = values
        if isinstance(handle.get("coords"), h5py.Dataset):
            handle["coords"].attrs.update(attributes)
    grid = grid | {"coords": str(folder / "theirs")}
    return tile_slide(inspected, accepted("a"), folder / "wsi", grid, Record("00000"), "0", False)


def is_taken(row, folder):
    """The patches of an accepted slide."""
    assert row["status"] == "ok", row
    with h5py.File(folder / "wsi" / row["file"]) as handle:
        return handle["coords"][:].tolist()


@pytest.mark.parametrize("values", [COORDS, COORDS.astype(np.float64), COORDS.astype(np.uint16), COORDS[None]])
def test_whole_pixels_are_taken(values, tmp_path):
    assert is_taken(tile(tmp_path, values), tmp_path) == COORDS.tolist()


@pytest.mark.parametrize(
    ("mpp", "edge"),
    [("0.25", 512), ("0.2527", 512), ("0.2527", 507), ("0.2325", 512), ("0.2325", 551), ("0.29", 441)],
)
def test_an_edge_by_nominal_magnification_or_by_resolution_is_right(mpp, edge, tmp_path):
    row = tile(tmp_path, inspected=INSPECTED | {"mpp": mpp}, attributes=ATTRIBUTES | {"patch_size_level0": edge})
    assert is_taken(row, tmp_path) == COORDS.tolist()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"level0_width": 8000}, "level0_width 8000, the slide has 4000"),
        ({"level0_height": 2999}, "level0_height 2999, the slide has 3000"),
        ({"level0_magnification": 20}, "level0_magnification 20, the slide has 40 .0.25 micrometres per pixel."),
        ({"patch_size_level0": 256}, "patch_size_level0 256; patches of 256 pixels .* are 512 level-0 pixels wide"),
        ({"patch_size_level0": 0}, "attribute patch_size_level0 is 0, but must be a positive number"),
        ({"patch_size_level0": "512px"}, "attribute patch_size_level0 is '512px'"),
        ({"patch_size_level0": np.nan}, "attribute patch_size_level0 is nan"),
        ({"patch_size": 512}, "patch_size 512, the grid of the config has 256"),
        ({"target_magnification": 10}, "target_magnification 10, the grid of the config has 20"),
        ({"overlap": 64}, "overlap 64, the grid of the config has 0"),
    ],
)
def test_attributes_of_another_slide_or_grid(change, says, tmp_path):
    row = tile(tmp_path, attributes=ATTRIBUTES | change)
    assert row["reason"] == "bad_coords"
    assert re.search(says, row["detail"]), row["detail"]
    assert not list((tmp_path / "wsi").rglob("*.h5"))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (COORDS * 2, "1 of its 3 patches are off the slide, row 2 at (7168, 5120), and the slide has 4000 x 3000"),
        (COORDS - 1, "row 0 at (-1, -1)"),
        (COORDS * 0.25 + 0.5, "not all whole numbers of pixels"),
        (np.where(COORDS == 512, np.nan, COORDS), "not all whole numbers of pixels"),
        (COORDS.T, "shape 2 x 3, N x 2 is needed"),
        (COORDS.astype("S8"), "'coords' holds |S8, numbers are expected"),
    ],
)
def test_coordinates_that_are_none_of_the_slide(values, says, tmp_path):
    row = tile(tmp_path, values)
    assert row["reason"] == "bad_coords"
    assert says in row["detail"]


def outside(handle, folder):
    handle.create_dataset("coords", (3, 2), np.int64, external=[(str(folder / "raw"), 0, 48)])


def linked(handle, folder):
    handle["coords"] = h5py.ExternalLink(str(folder / "elsewhere.h5"), "coords")


def virtual(handle, folder):
    layout = h5py.VirtualLayout((3, 2), np.int64)
    layout[:] = h5py.VirtualSource(str(folder / "elsewhere.h5"), "coords", (3, 2))
    handle.create_virtual_dataset("coords", layout)


def unwritten(handle, folder):
    handle.create_dataset("coords", (10**12, 2), np.int64, chunks=(1000, 2))


def half_written(handle, folder):
    handle.create_dataset("coords", (2000, 2), np.int64, chunks=(1000, 2))[:1000] = 512


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (outside, "the values of 'coords' are in other files"),
        (linked, "'coords' is a link into another file"),
        (virtual, "the values of 'coords' are in other files"),
        (unwritten, "0 of its 1000000000 blocks were written"),
        (half_written, "1 of its 2 blocks were written"),
        (lambda handle, folder: handle.create_group("coords"), "'coords' is a group, not an array"),
        (lambda handle, folder: handle.create_dataset("places", data=COORDS), "no dataset 'coords', only places"),
    ],
)
def test_arrays_that_hold_no_values_of_their_own(write, says, tmp_path):
    row = tile(tmp_path, write=write)
    assert row["reason"] == "bad_coords"
    assert says in row["detail"]


def test_a_damaged_file(tmp_path):
    tile(tmp_path)
    path = tmp_path / "theirs" / "a_patches.h5"
    path.write_bytes(path.read_bytes()[:700])
    grid = GRID | {"coords": str(tmp_path / "theirs")}
    row = tile_slide(INSPECTED, accepted("a"), tmp_path / "wsi", grid, Record("00000"), "0", False)
    assert row["reason"] == "bad_coords"
    assert "it can't be read" in row["detail"]


def test_coords_of_clam_lack_what_the_grid_needs(tmp_path):
    row = tile(tmp_path, attributes={"patch_size": 256, "patch_level": 0})
    assert row["reason"] == "bad_coords"
    assert "no attribute patch_size_level0" in row["detail"]
