"""Grids that are `like: trident`: place and pixels recomputed with OpenSlide and Pillow by TRIDENT's published rule."""

import h5py
import numpy as np
import openslide
import pytest
import shapely
import tifffile
from molpath.common.manifests import accepted
from molpath.features.geometry import Geometry, geometry_of
from molpath.features.patches import read_patches
from molpath.features.trident_pixels import count_openslide, level_and_edge
from molpath.slides.inspection import inspect_slide
from molpath.slides.readers import JpegTilesReader, open_slide
from molpath.tiles.grid import edges_level0, lay_grid, nominal_magnification
from molpath.tiles.tiling import is_too_coarse, stated_edge
from PIL import Image
from slide_files import patch_tag, picture, write_jpeg_pyramid

BUCKETS = ((0.16, 80), (0.2, 60), (0.3, 40), (0.6, 20), (1.2, 10), (2.4, 5))


def grid_of(magnification=20, patch_size=512, overlap=0):
    grid = {"name": "g", "label": "", "mpp": None, "scale": "mpp", "like": "trident", "min_tissue": 0.0}
    return grid | {"magnification": magnification, "patch_size": patch_size, "overlap": overlap}


def tridents(path, mpp, target, size):
    """Corners (x, y) of the whole grid and a function of a corner that gives its patch: the rule, recomputed.

    mpp to four decimals gives the magnification; a level within 0.1 of the wanted downsample, else the coarsest that
    is fine enough; its downsample without decimals gives the square that is read; no alpha; Pillow's default filter.
    """
    slide = openslide.OpenSlide(str(path))
    magnification = next(value for bound, value in BUCKETS if round(mpp, 4) < bound)
    downsample = (10 / target) / (10 / magnification)
    edge = round(size * downsample)
    levels = slide.level_downsamples
    near = [i for i, level in enumerate(levels) if abs(level - downsample) <= 0.1]
    level = (
        near[0]
        if near
        else max((i for i, level_downsample in enumerate(levels) if level_downsample <= downsample), default=0)
    )
    read = round(edge / int(levels[level]))
    width, height = slide.dimensions
    corners = [(x, y) for y in range(0, height, edge) for x in range(0, width, edge)]

    def patch(x, y):
        return np.asarray(slide.read_region((x, y), level, (read, read)).convert("RGB").resize((size, size)))

    return corners, patch


def own_patches(path, mpp, target, size):
    """Corners and pixels (N x size x size x 3) of the whole grid as the stages tiles and features make them."""
    slide = open_slide(path)
    grid, facts = grid_of(target, size), {"mpp": f"{mpp:.6g}", "magnification": "0", "mpp_source": "openslide.mpp-x"}
    magnification = nominal_magnification(grid, facts)
    edge, step = edges_level0(grid, mpp, magnification)
    corners = lay_grid(*slide.levels[0][:2], edge, step)
    attributes = {"patch_size": size, "patch_size_level0": stated_edge(grid, edge, magnification), "like": "trident"}
    attributes |= {"level0_magnification": magnification, "target_magnification": target}
    out = np.empty((len(corners), size, size, 3), np.uint8)
    read_patches(slide, corners, geometry_of(attributes), out)
    return corners, out, slide, geometry_of(attributes)


def check(path, mpp, target, size):
    """Place and bytes of every patch; returns the slide, how many patches OpenSlide read for us, and of how many."""
    expected, patch = tridents(path, mpp, target, size)
    corners, pixels, slide, geometry = own_patches(path, mpp, target, size)
    assert [tuple(corner) for corner in corners.tolist()] == expected
    for (x, y), pixels_read in zip(expected, pixels, strict=True):
        assert np.array_equal(pixels_read, patch(x, y)), (x, y)
    return slide, count_openslide(slide, corners, geometry), len(corners)


@pytest.mark.parametrize(
    ("mpp", "target", "size"),
    [(0.499, 20, 256), (0.499, 10, 256), (0.499, 5, 224), (0.2527, 20, 512), (0.2325, 20, 256)],
)
def test_patches_of_a_public_svs(shared_data, mpp, target, size):
    """Edge patches are among them (2,220 x 2,967 pixels end in no patch's middle); 0.2527 µm/px counts as 40x."""
    slide, by_openslide, _ = check(shared_data / "slides/cmu-1-small-region.svs", mpp, target, size)
    assert isinstance(slide, JpegTilesReader)
    assert by_openslide == 0  # the fast path gives the same bytes at level 0


@pytest.mark.parametrize(("mpp", "target", "size"), [(0.2527, 20, 512), (0.5, 5, 224)])
def test_patches_of_a_public_jpeg_2000_svs(shared_data, mpp, target, size):
    check(shared_data / "slides/tcga-cr-7395-01a-01-ts1.svs", mpp, target, size)


@pytest.mark.parametrize(
    ("mpp", "target", "size"), [(0.2527, 20, 128), (0.2527, 10, 128), (0.2527, 5, 96), (0.1, 20, 96)]
)
@pytest.mark.parametrize("shape", [(1200, 1500), (1203, 1501)])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 2)])
def test_patches_of_a_slide_with_levels(tmp_path, mpp, target, size, shape, subsampling):
    """Level 1 of the uneven slide begins between pixels: OpenSlide reads it, and the count says so."""
    path = write_jpeg_pyramid(tmp_path / "a.svs", picture(*shape), subsampling=subsampling, aperio=True, mpp=mpp)
    slide, by_openslide, count = check(path, mpp, target, size)
    assert isinstance(slide, JpegTilesReader)
    level, _ = level_and_edge(slide.levels, Geometry(size, 0, nominal={0.2527: 40, 0.1: 80}[mpp] / target))
    is_uneven = bool(slide.levels[level][2] % 1)
    assert bool(by_openslide) == is_uneven
    assert by_openslide < count  # the first patch begins at (0, 0)


def test_what_is_beyond_the_slide_is_black(tmp_path):
    path = write_jpeg_pyramid(tmp_path / "a.svs", np.full((300, 300, 3), 200, np.uint8), aperio=True, mpp=0.5)
    corners, pixels, _, _ = own_patches(path, 0.5, 20, 256)
    assert corners.tolist() == [[0, 0], [256, 0], [0, 256], [256, 256]]
    assert (pixels[3][60:] == 0).all()
    assert (pixels[3][:40, :40] > 150).all()
    plain = np.empty((4, 256, 256, 3), np.uint8)
    read_patches(open_slide(path), corners, Geometry(256, 256, 0.5), plain)
    assert (plain[3][60:] == 255).all()  # ours


def test_a_picture_is_black_beyond_its_edge_too(tmp_path):
    Image.fromarray(np.full((100, 130, 3), 90, np.uint8)).save(tmp_path / "a.png")
    out = np.empty((1, 64, 64, 3), np.uint8)
    read_patches(open_slide(tmp_path / "a.png"), np.array([[128, 64]]), Geometry(64, 64, 0.5, 1.0), out)
    assert (out[0, :36, :2] == 90).all()
    assert not out[0, 36:].any()
    assert not out[0, :, 2:].any()


@pytest.mark.parametrize(
    ("downsamples", "nominal", "size", "expected"),
    [
        ((1, 4.00006, 16.0), 4.0, 256, (1, 256)),
        ((1, 3.9998, 16.0), 4.0, 256, (1, 341)),  # 1,024 by 3: its decimals are cut off, and a third too much is read
        ((1, 2.05), 2.0, 512, (1, 512)),
        ((1, 2.2), 2.0, 512, (0, 1024)),
        ((1, 4.0), 0.5, 512, (0, 256)),
    ],
)
def test_the_level_is_tridents(downsamples, nominal, size, expected):
    levels = [(1000, 1000, float(downsample)) for downsample in downsamples]
    assert level_and_edge(levels, Geometry(size, round(size * nominal), nominal=nominal)) == expected


@pytest.mark.parametrize(
    ("mpp", "source", "magnification"),
    [("0.2527", "openslide.mpp-x", 40), ("0.29996", "openslide.mpp-x", 20), ("0.29996", "sheet", 40)]
    + [("0.29994", "aperio.MPP", 40), ("0.59996", "openslide.mpp-x", 10), ("2.39999", "openslide.mpp-x", 0)],
)
def test_magnification_is_that_of_the_rounded_resolution(mpp, source, magnification):
    facts = {"mpp": mpp, "mpp_source": source, "magnification": "7"}
    assert nominal_magnification(grid_of(), facts) == magnification
    assert nominal_magnification(grid_of() | {"like": ""}, facts) == 7
    assert is_too_coarse(facts, grid_of()) == (magnification < 20)


def test_uneven_ratios_are_rounded_where_trident_rounds():
    """60x to 40x and 40x to 15x: 1.5 and 2.667 level-0 pixels; the grid is laid by 683, the file says 682."""
    grid = grid_of(15, 256, 32)
    assert edges_level0(grid, 0.25, 40) == (683, 683 - 85)
    assert stated_edge(grid, 683, 40) == 682
    assert edges_level0(grid_of(40, 224), 0.17, 60) == (336, 336)


def test_tissue_decides_as_in_tridents_rule():
    """min_tissue 0 keeps what touches, more keeps what holds at least that share; test_trident_layout has the rest."""
    from molpath.tiles.tissue_shares import tissue_shares

    corners = lay_grid(400, 200, 100, 100)
    shares = tissue_shares(corners, 100, [shapely.box(100, 0, 150, 100)])
    assert (~np.isnan(shares)).sum() == 4  # those that share an edge or a corner with it touch it
    assert corners[np.nan_to_num(shares) >= 0.5].tolist() == [[100, 0]]


@pytest.mark.parametrize(("shape", "slow"), [((1024, 1024), 0), ((1027, 1025), 24)])
def test_the_feature_file_and_the_manifest_say_how_patches_were_read(shard, tmp_path, shape, slow):
    """10x from 40x on level 1: whole pixels of it, or between them everywhere but at the corner."""
    path = write_jpeg_pyramid(tmp_path / "a.svs", picture(*shape), aperio=True, mpp=0.2527)
    corners, pixels, _, _ = own_patches(path, 0.2527, 10, 56)
    corners, pixels = corners[:25], pixels[:25]
    folder = shard.wsi / "20x_32px_0px_overlap" / "patches"
    folder.mkdir(parents=True)
    with h5py.File(folder / "a_patches.h5", "w") as handle:
        stored = handle.create_dataset("coords", data=corners)
        stored.attrs.update(patch_size=56, patch_size_level0=224, level0_magnification=40, target_magnification=10)
        stored.attrs["like"] = "trident"
    shard.rows.append(accepted("a", file="20x_32px_0px_overlap/patches/a_patches.h5"))
    shard.write()
    row = shard.extract(opener=open_slide, slides={"a": str(path)})["a"]
    remark = f"{slow} of 25 patches through OpenSlide: they begin between pixels of their level"
    assert row["note"] == "read as TRIDENT reads" + (f", {remark}" if slow else "")
    with h5py.File(shard.wsi / row["file"]) as handle:
        assert handle["coords"].attrs["like"] == "trident"
        assert handle["features"].attrs["through_openslide"] == slow
        np.testing.assert_allclose(handle["features"][:], pixels.mean((1, 2)) / 255, atol=3e-3)
    assert shard.extract(opener=None)["a"] == row


@pytest.mark.parametrize(("mpp", "magnification"), [("0.2999999", 40), ("0.1999999", 60), ("0.5999997", 20)])
def test_a_resolution_of_the_sheet_just_below_a_border(tmp_path, mpp, magnification):
    write_jpeg_pyramid(tmp_path / "a.svs", picture(256, 256), levels=(1,), aperio=True)
    row = inspect_slide({"slide_id": "a", "path": str(tmp_path / "a.svs"), "mpp": mpp, "keep": "auto"})
    assert row["magnification"] == magnification
    assert nominal_magnification(grid_of(), {key: str(value) for key, value in row.items()}) == magnification


def test_tiles_never_written_of_an_ome_tiff_are_black(tmp_path):
    """OpenSlide, through which TRIDENT reads it, shows nothing there; our own grids are white."""
    path, pixels = tmp_path / "a.ome.tif", picture(300, 330)
    metadata = {"axes": "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    tifffile.imwrite(path, pixels, ome=True, tile=(64, 64), photometric="rgb", compression="deflate", metadata=metadata)
    patch_tag(path, 0, "TileByteCounts", lambda counts: [0 if i in (0, 7) else n for i, n in enumerate(counts)])
    corners, patch = tridents(path, 0.25, 20, 64)
    corners_read, out, slide, _ = own_patches(path, 0.25, 20, 64)
    assert slide.name == "tifffile"
    assert corners_read.tolist() == [list(corner) for corner in corners]
    for corner, pixels_read in zip(corners, out, strict=True):
        np.testing.assert_array_equal(pixels_read, patch(*corner))
    assert (slide.region(0, 0, 0, 64, 64) == 255).all()


@pytest.mark.parametrize("kind", ["ome", "plain", "alpha", "grey"])
def test_what_openslide_shows_less_of_is_read_as_it_shows_it(tmp_path, kind):
    """Levels in sub-IFDs or without a flag, which TRIDENT never sees; transparent pixels."""
    pixels, path = picture(300, 330), tmp_path / ("a.tif" if kind == "plain" else "a.ome.tif")
    options = {"tile": (64, 64), "photometric": "rgb", "compression": "deflate"}
    if kind == "alpha":
        pixels = np.dstack([pixels, np.where(np.arange(330) > 150, 0, 255)[None].repeat(300, 0).astype(np.uint8)])
        options["extrasamples"] = ["unassalpha"]
    if kind == "grey":
        pixels, options["photometric"] = pixels[..., 0], "minisblack"
    metadata = {"axes": "YX" if kind == "grey" else "YXS", "PhysicalSizeX": 0.25, "PhysicalSizeY": 0.25}
    with tifffile.TiffWriter(path, ome=kind != "plain") as writer:
        writer.write(pixels, subifds=int(kind != "plain"), metadata=metadata if kind != "plain" else None, **options)
        reduced = {"subfiletype": 1} if kind != "plain" else {}
        writer.write(np.ascontiguousarray(pixels[::2, ::2]), metadata=None, **reduced, **options)
    corners, patch = tridents(path, 0.25, 20, 64)
    corners_read, out, slide, geometry = own_patches(path, 0.25, 20, 64)
    assert (slide.name, len(slide.levels)) == ("tifffile", 2)
    assert corners_read.tolist() == [list(corner) for corner in corners]
    for corner, pixels_read in zip(corners, out, strict=True):
        np.testing.assert_array_equal(pixels_read, patch(*corner))
    assert count_openslide(slide, corners_read, geometry) == len(corners_read)
    slide.close()
