"""Coordinate files as TRIDENT writes them: the same coordinates, names, types and attributes, and the same rule."""

import itertools
import json
import math
import shutil

import h5py
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.common.files import fingerprint
from molpath.common.manifests import accepted, read_manifest, write_manifest
from molpath.common.record import Record
from molpath.tiles.grid import edges_level0, lay_grid
from molpath.tiles.tiling import tile_shard, tile_slide
from molpath.tiles.tissue_shares import tissue_shares
from PIL import Image

SLIDE = "cmu-1-small-region"
NAMES = ["20x_512px_0px_0.0", "20x_256px_0px_0.0", "20x_256px_64px_0.0", "10x_256px_0px_0.0", "20x_256px_0px_0.5"]
NAMES.append("5x_224px_0px_0.0")


def grid_of(name: str) -> dict:
    """The grid that one of TRIDENT's runs used, as the config writes it."""
    magnification, size, overlap, least = name.split("_")
    grid = {"name": name.rsplit("_", 1)[0] + "_overlap", "label": "", "mpp": None, "scale": "magnification"}
    grid |= {"magnification": int(magnification[:-1]), "patch_size": int(size[:-2]), "overlap": int(overlap[:-2])}
    return grid | {"min_tissue": float(least), "drop": [], "max_dropped_fraction": 0.5}


def write_inputs(wsi, contours) -> tuple[dict, dict]:
    """Manifest rows of the stages slides and tissue for one slide with the given contours and no artefacts."""
    for folder in ("contours_geojson", "quality"):
        (wsi / folder).mkdir(parents=True)
    shutil.copyfile(contours, wsi / "contours_geojson" / f"{SLIDE}.geojson")
    Image.fromarray(np.ones((185, 138), np.uint8)).save(wsi / "quality" / f"{SLIDE}.png")
    inspected = accepted(SLIDE, width=2220, height=2967, mpp=0.499, magnification=20)
    files = {"contours": f"contours_geojson/{SLIDE}.geojson", "quality": f"quality/{SLIDE}.png"}
    files |= {f"{name}_fingerprint": fingerprint(wsi / path) for name, path in files.items()}
    return inspected, accepted(SLIDE, **files)


@pytest.mark.parametrize("like", ["", "trident"])
@pytest.mark.parametrize("name", NAMES)
def test_files_are_those_of_trident(shared_data, tmp_path, name, like):
    """Scaled by magnification, or like: trident, which says in the file how its patches are to be read."""
    expected = json.loads((shared_data / "parity/trident/cmu_hole.json").read_text())[f"cmu_hole/{name}"]
    inspected, row = write_inputs(tmp_path / "wsi", shared_data / "parity/trident/cmu_hole.geojson")
    write_manifest(tmp_path / "seen.tsv", [inspected], [key for key in inspected if key not in row])
    write_manifest(tmp_path / "row.tsv", [row], [key for key in row if key not in inspected])
    grid = grid_of(name) | ({"like": like, "scale": "mpp"} if like else {})
    tile_shard(
        inspected=str(tmp_path / "seen.tsv"),
        assessed=str(tmp_path / "row.tsv"),
        manifest=str(tmp_path / "tiles.tsv"),
        wsi=str(tmp_path / "wsi"),
        grid=grid,
        code="0",
    )
    written = read_manifest(tmp_path / "tiles.tsv")[0]
    assert written["file"] == f"{grid['name']}/patches/{SLIDE}_patches.h5"
    with h5py.File(tmp_path / "wsi" / written["file"]) as handle:
        coords = handle["coords"]
        assert coords.dtype == np.dtype(expected["dtype"])
        assert coords[:].tolist() == expected["coords"]
        attributes = dict(coords.attrs)
    assert attributes.pop("like", "") == like
    assert attributes == expected["attrs"]
    for key, value in expected["attrs"].items():
        assert isinstance(value, str) == isinstance(attributes[key], str), key
        assert isinstance(value, str) or np.issubdtype(attributes[key].dtype, np.integer), key


def write_theirs(folder, coords, **attributes) -> None:
    """A coordinate file as TRIDENT leaves it: one-row chunks, its own folder among the attributes."""
    folder.mkdir()
    with h5py.File(folder / f"{SLIDE}_patches.h5", "w") as handle:
        data = handle.create_dataset("coords", data=np.array(coords, np.int64), chunks=(1, 2), maxshape=(None, 2))
        data.attrs.update(attributes | {"savetodir": "/their/disk"})


def test_their_folder_is_read_in_place(shared_data, tmp_path):
    expected = json.loads((shared_data / "parity/trident/cmu_hole.json").read_text())[f"cmu_hole/{NAMES[0]}"]
    inspected, row = write_inputs(tmp_path / "wsi", shared_data / "parity/trident/cmu_hole.geojson")
    write_theirs(tmp_path / "theirs", expected["coords"][::-1], **expected["attrs"])
    before = (tmp_path / "theirs" / f"{SLIDE}_patches.h5").read_bytes()
    grid = grid_of(NAMES[0]) | {"coords": str(tmp_path / "theirs")}
    inspected = {key: str(value) for key, value in inspected.items()}
    written = tile_slide(inspected, row, tmp_path / "wsi", grid, Record("00000"), "0", False)
    with h5py.File(tmp_path / "wsi" / written["file"]) as handle:
        assert handle["coords"][:].tolist() == expected["coords"][::-1]
        assert dict(handle["coords"].attrs) == expected["attrs"]
    assert (tmp_path / "theirs" / f"{SLIDE}_patches.h5").read_bytes() == before
    other = tile_slide(inspected, row, tmp_path / "other", grid | {"patch_size": 256}, Record("00000"), "0", False)
    assert other["reason"] == "bad_coords"
    assert "patch_size 512, the grid of the config has 256" in other["detail"]
    alike = tile_slide(inspected, row, tmp_path / "alike", grid | {"like": "trident"}, Record("00000"), "0", False)
    with h5py.File(tmp_path / "alike" / alike["file"]) as handle:
        assert dict(handle["coords"].attrs) == expected["attrs"] | {"like": "trident"}
    (tmp_path / "theirs" / f"{SLIDE}_patches.h5").unlink()
    assert tile_slide(inspected, row, tmp_path / "wsi", grid, Record("00000"), "0", False)["reason"] == "no_coords"


def trident_rule(width, height, slide_magnification, grid, tissue) -> list[list[int]]:
    """The rule in words, patch by patch: from (0, 0), row by row while x < width and y < height, edge patches included;
    kept when it touches the tissue, or when at least `min_tissue` of it is tissue."""
    edge = grid["patch_size"] * slide_magnification // grid["magnification"]
    step = edge - grid["overlap"] * slide_magnification // grid["magnification"]
    kept = []
    for y, x in itertools.product(range(math.ceil(height / step)), range(math.ceil(width / step))):
        patch = shapely.Polygon(
            [(x * step, y * step), (x * step + edge, y * step)]
            + [(x * step + edge, y * step + edge), (x * step, y * step + edge)]
        )
        share = patch.intersection(tissue).area / edge**2
        if patch.intersects(tissue) if grid["min_tissue"] == 0 else share >= grid["min_tissue"]:
            kept.append([x * step, y * step])
    return kept


@st.composite
def tissues(draw):
    """A slide with one or two regions, stars of random rays, the first with a hole where it is thick enough."""
    width, height = draw(st.integers(300, 2500)), draw(st.integers(300, 2500))
    regions = []
    for _ in range(draw(st.integers(1, 2))):
        x, y = draw(st.floats(0, width)), draw(st.floats(0, height))
        rays = draw(st.lists(st.floats(20, 600), min_size=5, max_size=9))
        turns = [2 * math.pi * i / len(rays) for i in range(len(rays))]
        ring = [(x + r * math.cos(t), y + r * math.sin(t)) for r, t in zip(rays, turns, strict=True)]
        hole = shapely.Point(x, y).buffer(min(rays) / 3)
        regions.append(shapely.Polygon(ring).difference(hole) if draw(st.booleans()) else shapely.Polygon(ring))
    return width, height, regions


@settings(max_examples=60, deadline=None)
@given(tissues(), st.sampled_from([20, 40]), st.sampled_from([5, 10, 20]), st.sampled_from([0.0, 0.25, 0.5, 0.9]))
def test_coordinates_follow_tridents_rule(tissue, slide_magnification, magnification, least):
    width, height, regions = tissue
    grid = {"patch_size": 128, "overlap": 32, "magnification": magnification, "scale": "magnification", "mpp": None}
    grid["min_tissue"] = least
    corners = lay_grid(width, height, *edges_level0(grid, 10 / slide_magnification, slide_magnification))
    edge = 128 * slide_magnification // magnification
    shares = tissue_shares(corners, edge, regions)
    kept = corners[~np.isnan(shares) if least == 0 else np.nan_to_num(shares) >= least]
    assert kept.tolist() == trident_rule(width, height, slide_magnification, grid, shapely.union_all(regions))
