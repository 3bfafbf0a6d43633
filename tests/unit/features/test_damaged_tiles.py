"""A bad tile costs a patch, not a slide: dropped or white up to a share, counted and listed; above it, set aside."""

import os
import shutil

import h5py
import numpy as np
import pandas as pd
import pytest
from damaged_slides import ACROSS, TILE, damaged_copy, write_slide
from molpath.common.files import write_tsv
from molpath.common.manifests import accepted, read_manifest
from molpath.embed.bags import Bags
from molpath.features.damage import Tolerance
from molpath.features.extraction import extract_shard
from molpath.features.layouts import layout_of
from molpath.features.precomputed import find_features
from molpath.interpret.top_patches import show_top_patches
from molpath.pretrain.store import pack_patches
from molpath.provenance.verification import verify
from molpath.slides.readers import open_slide
from PIL import Image

GRID = "20x_32px_0px_overlap"  # of the fixture `shard`
CODECS = ["jpeg", "deflate", "jpeg2000"]
EVERY = [(x * TILE, y * TILE) for y in range(ACROSS) for x in range(ACROSS)]
SIXTY = sorted(np.random.default_rng(7).choice(ACROSS**2, 60, replace=False).tolist())


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Whole slides by codec."""
    folder = tmp_path_factory.mktemp("whole")
    for codec in CODECS:
        write_slide(folder / f"{codec}.svs", codec)
    return {codec: folder / f"{codec}.svs" for codec in CODECS}


class Real:
    """A shard of slides on disk whose patches are their tiles."""

    def __init__(self, shard, slides):
        self.shard, self.slides = shard, slides
        for slide_id in slides:
            self._add(slide_id)
        shard.write()

    def _add(self, slide_id):
        path = self.shard.wsi / GRID / "patches" / f"{slide_id}_patches.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as handle:
            dataset = handle.create_dataset("coords", data=np.array(EVERY, np.int64))
            dataset.attrs.update(patch_size=TILE, patch_size_level0=TILE, target_magnification=20, overlap=0)
        self.shard.rows.append(accepted(slide_id, file=path.relative_to(self.shard.wsi).as_posix()))

    def extract(self, **more):
        """Rows of the manifest by slide."""
        arguments = self.shard.arguments(opener=open_slide, slides=self.slides, **more)
        extract_shard(**arguments)
        return {row["slide_id"]: row for row in read_manifest(arguments["manifest"])}

    def file(self, row):
        """Features, coords and focus of a slide."""
        with h5py.File(self.shard.wsi / row["file"]) as handle:
            return {name: handle[name][:] for name in handle}


@pytest.mark.parametrize("how", ["all-random", "half-random", "half-zero"])
@pytest.mark.parametrize("codec", CODECS)
def test_one_tile_of_256_costs_its_patch(shard, whole, codec, how):
    bad = 5 * ACROSS + 9
    real = Real(shard, {"a": str(damaged_copy(whole[codec], [bad], how)), "b": str(whole[codec])})
    rows = real.extract()
    assert [(row["status"], row["n_patches"], row["n_damaged"], row["damaged"]) for row in rows.values()] == [
        ("ok", "255", "1", f"{9 * TILE},{5 * TILE}"),
        ("ok", "256", "0", ""),
    ]
    damaged, sound = real.file(rows["a"]), real.file(rows["b"])
    kept = np.arange(256) != bad
    assert sorted(damaged) == ["coords", "damaged", "features", "focus"]
    assert sorted(sound) == ["coords", "features", "focus"]
    for name in ("coords", "features", "focus"):
        assert np.array_equal(damaged[name], sound[name][kept])
    assert damaged["damaged"].tolist() == [[9 * TILE, 5 * TILE]]


@pytest.mark.parametrize("codec", CODECS)
def test_sixty_tiles_of_256_cost_the_slide(shard, whole, codec):
    real = Real(shard, {"a": str(damaged_copy(whole[codec], SIXTY)), "b": str(whole[codec])})
    rows = real.extract()
    row = rows["a"]
    assert (row["status"], row["reason"], row["n_damaged"], row["file"]) == ("set_aside", "damaged", "60", "")
    assert row["detail"] == (
        "60 of its 256 patches can't be read, and at most 0.1 of them may be damaged (features: max_damaged_fraction)"
    )
    assert row["damaged"].split() == [f"{EVERY[index][0]},{EVERY[index][1]}" for index in SIXTY]
    assert rows["b"]["status"] == "ok"
    rows = real.extract(max_damaged_fraction=0.25)  # the limit is the user's
    assert (rows["a"]["status"], rows["a"]["n_patches"], rows["a"]["n_damaged"]) == ("ok", "196", "60")


def test_white_on_request_keeps_every_patch(shard, whole):
    real = Real(shard, {"a": str(damaged_copy(whole["jpeg"], [3, 77]))})
    row = real.extract(damaged="white")["a"]
    stored = real.file(row)
    assert (row["n_patches"], row["n_damaged"], row["damaged"]) == ("256", "2", "192,0 832,256")
    assert stored["coords"].tolist() == [list(place) for place in EVERY]
    assert (stored["features"][[3, 77]] == 1).all()  # the mean colour of white
    assert (stored["features"][4] < 1).all()


def test_nothing_of_a_slide_can_be_read(shard, whole):
    row = Real(shard, {"a": str(damaged_copy(whole["deflate"], range(256)))}).extract(max_damaged_fraction=1)["a"]
    assert (row["reason"], row["detail"]) == ("unreadable", "none of its 256 patches can be read")


def test_finished_files_are_taken_unless_the_tolerance_would_change_them(shard, whole):
    real = Real(shard, {"a": str(damaged_copy(whole["jpeg"], [3])), "b": str(whole["jpeg"])})
    first = real.extract()
    refuse = {"opener": None}
    arguments = real.shard.arguments(slides=real.slides) | refuse
    extract_shard(**arguments)  # nothing is opened
    again = {row["slide_id"]: row for row in read_manifest(arguments["manifest"])}
    assert again == first
    white = real.extract(damaged="white")
    assert white["a"]["fingerprint"] != first["a"]["fingerprint"]
    assert white["b"] == first["b"]
    assert real.extract(max_damaged_fraction=0.0)["a"]["reason"] == "damaged"
    assert real.extract() == first


def test_batches_and_workers_do_not_change_a_byte(shard, whole):
    real = Real(shard, {"a": str(damaged_copy(whole["jpeg"], [0, 1, 17, 255]))})
    digests = []
    for number, setting in enumerate(({"batch_size": 7, "workers": 1}, {"batch_size": 64, "workers": 3})):
        digests.append(real.extract(**setting, code=str(number))["a"])
    assert {key: digests[0][key] for key in ("n_patches", "damaged")} == {
        key: digests[1][key] for key in ("n_patches", "damaged")
    }
    assert digests[0]["damaged"] == "0,0 64,0 64,64 960,960"


def test_readers_after_features_follow_the_features(shard, whole, tmp_path):
    """Fewer coords than the patch file: bags with coords, the packed store, maps of attention, and the same file given
    as precomputed all have those of the features."""
    real = Real(shard, {"a": str(damaged_copy(whole["jpeg"], [3]))})
    row = real.extract()["a"]
    path, expected = shard.wsi / row["file"], real.file(row)
    manifest = shard.arguments()["manifest"]
    bag = Bags([manifest], shard.wsi).read("a", with_coords=True)
    assert np.array_equal(bag.coords, expected["coords"])
    assert np.array_equal(bag.features, expected["features"])
    assert [3 * TILE, 0] not in bag.coords.tolist()
    write_tsv(tmp_path / "pairs.tsv", pd.DataFrame({"slide_id": ["a"], "status": ["paired"]}))
    packed = {name: str(tmp_path / name) for name in ("patches", "index", "finished")}
    pack_patches(manifest=manifest, pairs=str(tmp_path / "pairs.tsv"), wsi=str(shard.wsi), code="", **packed)
    assert len(np.load(packed["patches"])) == 255
    layout = layout_of(path)
    assert (layout.count, layout.dim, len(layout.coords)) == (255, 3, 255)
    grid = {"name": "g", "patch_size": TILE, "magnification": 20, "mpp": None, "scale": "mpp", "overlap": 0}
    facts = {"a": {"width": "1024", "height": "1024", "mpp": "0.5", "magnification": "20"}}
    encoder = {"folder": str(path.parent), "features": "", "name": "x"}
    (given_row,) = find_features([accepted("a", file="")], facts, encoder, shard.wsi, grid)
    assert (given_row["status"], given_row["n_patches"]) == ("ok", 255)
    assert verify(shard.results) == []


def test_a_picture_of_top_patches_with_a_damaged_one_is_drawn(whole, tmp_path):
    """With `damaged: white` a damaged patch has features, and may have attention."""
    slide = damaged_copy(whole["jpeg"], [3])
    with h5py.File(tmp_path / "attention.h5", "w") as handle:
        group = handle.create_group("a")
        shares = np.full((1, 256), 0.5 / 255, np.float32)
        shares[0, 3] = 0.5
        group["attention"], group["coords"] = shares, np.array(EVERY)
        group["coords"].attrs["patch_size_level0"] = TILE
    picture = tmp_path / "top.png"
    about = {"attention": str(tmp_path / "attention.h5"), "slide_id": "a", "slide": str(slide), "note": ""}
    show_top_patches(**about, count=2, picture=str(picture))
    pixels = np.asarray(Image.open(picture))
    assert (pixels[60:200, 20:180] == 255).all()  # the damaged one is white
    assert not (pixels[60:200, 230:380] == 255).all()


def test_tolerance():
    some = np.arange(20) < 2
    assert Tolerance(0.1).judge(some) is None
    assert Tolerance(0.09).judge(some)[0] == "damaged"
    assert Tolerance(0.0).judge(np.zeros(20, bool)) is None
    assert Tolerance(1.0).judge(np.ones(20, bool))[0] == "unreadable"
    assert Tolerance().damage(np.zeros((20, 2), np.int64), None).columns() == {"n_damaged": 0, "damaged": ""}


def test_a_copy_without_the_damage_is_read_again(shard, whole, tmp_path):
    """The identity of a large slide is that of some of its blocks, and mostly misses one tile: it stays the same."""
    path = damaged_copy(whole["jpeg"], [5]).rename(tmp_path / "a.svs")
    real = Real(shard, {"a": str(path), "b": str(whole["deflate"])})
    first, again = real.extract(), real.extract()
    assert first == again
    assert (first["a"]["n_patches"], first["a"]["damaged"]) == ("255", f"{5 * TILE},0")
    shutil.copyfile(whole["jpeg"], path)
    os.utime(path, (1, 1))  # older than what it replaces
    fixed = real.extract()
    assert (fixed["a"]["n_patches"], fixed["a"]["n_damaged"]) == ("256", "0")
    assert fixed["b"] == first["b"]
