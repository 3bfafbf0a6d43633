"""Damaged tiles cost neither contours nor quality of the rest of a slide; what was lost is reported as a share."""

import os
import shutil
from itertools import pairwise

import cv2
import numpy as np
import pytest
from damaged_slides import ACROSS, TILE, damaged_copy, write_slide
from molpath.common.manifests import read_manifest
from molpath.slides.inspection import inspect_shard
from molpath.tissue.assessment import assess_shard

#: A tile off the diagonal.
BAD = 5 * ACROSS + 9


def assess(path, settings, folder, keep="yes"):
    """Manifest row of the stage tissue."""
    slide = {"slide_id": "S", "path": str(path), "mpp": "", "keep": keep}
    inspect_shard(slides=[slide], manifest=str(folder / "slides.tsv"))
    assess_shard(
        slides=[slide], inspected=str(folder / "slides.tsv"), manifest=str(folder / "tissue.tsv"),
        wsi=str(folder / "wsi"), settings=settings, code="0",
    )  # fmt: skip
    return read_manifest(folder / "tissue.tsv")[0]


@pytest.mark.parametrize(
    ("codec", "suffix"), [("jpeg", "svs"), ("deflate", "svs"), ("jpeg2000", "svs"), ("deflate", "ome.tif")]
)
def test_tissue_of_a_slide_with_damaged_tiles(tissue_settings, tmp_path, codec, suffix):
    """A disc of tissue; a tile of it and one of bare glass are damaged: it lacks its tile and little more."""
    pixels = np.full((TILE * ACROSS, TILE * ACROSS, 3), (243, 243, 244), np.uint8)
    cv2.circle(pixels, (512, 512), 400, (215, 140, 180), -1)
    noise = np.random.default_rng(0).normal(0, 6, pixels.shape)
    pixels = (pixels + noise).clip(0, 255).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    write_slide(path, codec, pixels=pixels)
    sound = assess(path, tissue_settings, tmp_path)
    row = assess(damaged_copy(path, [8 * ACROSS + 8, 0], "half-random"), tissue_settings, tmp_path)
    assert (row["status"], row["reason"], sound["status"]) == ("ok", "", "ok")
    assert float(row["area_mm2"]) == pytest.approx(float(sound["area_mm2"]), rel=0.02)
    assert float(row["lost_fraction"]) == pytest.approx(2 / ACROSS**2, abs=1e-3)
    assert float(sound["lost_fraction"]) == 0


def test_a_public_slide_with_damaged_tiles(shared_data, tissue_settings, tmp_path):
    path = tmp_path / "cmu.svs"
    path.write_bytes((shared_data / "slides/cmu-1-small-region.svs").read_bytes())
    sound = assess(path, tissue_settings, tmp_path, keep="auto")
    row = assess(damaged_copy(path, [22, 57, 129]), tissue_settings, tmp_path, keep="auto")  # the last one of 130, too
    assert (row["status"], row["reason"]) == (sound["status"], sound["reason"]) == ("ok", "")
    assert float(row["area_mm2"]) == pytest.approx(float(sound["area_mm2"]), rel=0.04)
    assert 0.02 < float(row["lost_fraction"]) < 0.04


def test_a_copy_without_the_damage_is_looked_at_again(tissue_settings, tmp_path):
    """The identity of a large slide is that of some of its blocks, and mostly misses one tile: it stays the same."""
    slide = {"slide_id": "S", "path": str(tmp_path / "a.svs"), "mpp": "", "keep": "yes"}
    sound = tmp_path / "sound.svs"
    write_slide(sound, "jpeg")
    damaged_copy(sound, [BAD]).rename(slide["path"])
    inspect_shard(slides=[slide], manifest=str(tmp_path / "slides.tsv"))
    arguments = {"slides": [slide], "inspected": str(tmp_path / "slides.tsv"), "manifest": str(tmp_path / "tissue.tsv")}
    arguments |= {"wsi": str(tmp_path / "wsi"), "settings": tissue_settings, "code": "0"}
    lost, times = [], []
    for replaced in (False, False, True, False):
        if replaced:
            shutil.copyfile(sound, slide["path"])
            os.utime(slide["path"], (1, 1))  # older than what it replaces
        assess_shard(**arguments)
        lost.append(float(read_manifest(tmp_path / "tissue.tsv")[0]["lost_fraction"]))
        times.append((tmp_path / "wsi/contours_geojson/S.geojson").stat().st_mtime_ns)
    assert lost == [pytest.approx(1 / ACROSS**2, abs=1e-3)] * 2 + [0, 0]
    assert [before == after for before, after in pairwise(times)] == [True, False, True]
