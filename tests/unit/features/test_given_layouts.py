"""Features as other tools lay them out, and what numbers they may hold."""

import json
import logging
import shutil
from contextlib import nullcontext

import h5py
import numpy as np
import pytest
import zarr

from .test_given_features import GRID, INSPECTED, PLACES, inspect_one, read, write_h5
from .test_precomputed import some_features, stamp


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda p: write_h5(p, some_features(9), attributes=GRID | {"patch_size_level0": "64px"}), "is '64px'"),
        (lambda p: write_h5(p, some_features(9), attributes=GRID | {"patch_size_level0": 0}), "is 0"),
        (lambda p: write_h5(p, some_features(9), attributes=GRID | {"patch_size": "wide"}), "is 'wide'"),
        (lambda p: (stamp(p, some_features(9)), h5py.File(p, "a").attrs.update(tile_size_um=0)), "is 0"),
    ],
)
@pytest.mark.parametrize("facts", [INSPECTED, {}])
def test_attributes_that_are_no_numbers(write, says, facts, shard, tmp_path):
    row = inspect_one(shard, tmp_path, write, facts)
    assert row["reason"] == "bad_features"
    assert f"{says}, but must be a positive number" in row["detail"]


@pytest.mark.parametrize("values", [some_features(9), some_features(9)[None], some_features(9).astype(np.float64)])
def test_numbers_are_read_as_they_are(values, shard, tmp_path):
    row = inspect_one(shard, tmp_path, lambda path: write_h5(path, values))
    bag = read(shard, row, with_coords=True)
    np.testing.assert_array_equal(bag.features, some_features(9))
    assert bag.features.dtype == np.float32
    assert (bag.coords.tolist(), bag.edge) == (PLACES.tolist(), 64)


def test_patches_of_clam_have_the_edge_of_the_grid(shard, tmp_path):
    row = inspect_one(shard, tmp_path, lambda path: write_h5(path, some_features(9), PLACES.astype(np.int32), {}))
    bag = read(shard, row, with_coords=True)
    assert (bag.coords.tolist(), bag.edge) == (PLACES.tolist(), 64)


@pytest.mark.parametrize(("step", "edge"), [(64, 64), (63, 63)])
def test_the_step_of_clam_shows_how_its_grid_was_placed(step, edge, shard, tmp_path):
    """0.2527 micrometres per pixel: 64 level-0 pixels by nominal magnifications, 63 by the resolution."""
    facts = INSPECTED | {"mpp": "0.2527"}
    row = inspect_one(shard, tmp_path, lambda path: write_h5(path, some_features(9), PLACES // 64 * step, {}), facts)
    assert read(shard, row, with_coords=True).edge == edge


def test_micrometres_of_stamp_become_level0_pixels(shard, tmp_path):
    """16 micrometres at 0.25 a pixel: 64 pixels."""
    row = inspect_one(shard, tmp_path, lambda path: stamp(path, some_features(9)))
    bag = read(shard, row, with_coords=True)
    assert bag.coords.tolist() == (np.arange(18).reshape(9, 2) * 64).tolist()
    assert bag.edge == 64


def test_one_of_several_encoders(shard, tmp_path):
    """AtlasPatch: x, y, width, height and level of each patch, and TRIDENT's attributes on the file."""
    uni, conch = some_features(9, seed=1), some_features(9, 4, seed=2)

    def atlas(path):
        rows = np.hstack([PLACES, np.full((9, 2), 64), np.zeros((9, 1), np.int64)]).astype(np.int32)
        write_h5(path, None, rows, {}, **{"features/uni_v1": uni, "features/conch_v15": conch})
        with h5py.File(path, "a") as handle:
            handle.attrs.update(GRID | {"level0_magnification": 40, "level0_width": 4096, "level0_height": 2048})

    row = inspect_one(shard, tmp_path, atlas, features="uni_v1")
    assert row["dataset"] == "features/uni_v1"
    bag = read(shard, row, with_coords=True)
    np.testing.assert_array_equal(bag.features, uni)
    assert (bag.coords.tolist(), bag.edge) == (PLACES.tolist(), 64)


def test_coords_that_are_missing_keep_the_slide_from_coordinate_readers_only(shard, tmp_path, caplog, monkeypatch):
    from molpath.embed.bags import Bags
    from molpath.embed.embedding import embed_block, placed_of

    row = inspect_one(shard, tmp_path, lambda path: write_h5(path, some_features(9), None))
    assert (row["status"], row["patch_size_level0"]) == ("ok", "")
    np.testing.assert_array_equal(read(shard, row).features, some_features(9))
    manifest = shard.results / "features" / "20x_32px_0px_overlap" / "precomputed" / "00000.tsv"
    with caplog.at_level(logging.WARNING):
        assert placed_of(["a", "b"], Bags([str(manifest)], str(shard.wsi)), "titan") == ["b"]
    assert "a is left out: its features have no patch coordinates, which titan reads" in caplog.text
    monkeypatch.setattr(
        "molpath.embed.embedding.get_embed", lambda *_: nullcontext(lambda slides: (some_features(9).mean(0), 9))
    )
    members = {"a": ["a"], "b": ["b"], "gone": ["gone"], "case": ["a", "gone"]}
    embed_block(
        members=members, cases={name: name for name in members}, model={"name": "m", "kind": "titan", "cases": "mean"},
        manifests=[str(manifest)], sources=[], wsi=str(shard.wsi), output=str(tmp_path / "block.h5"),
        finished=str(tmp_path / "finished"), code="c",
    )  # fmt: skip
    with h5py.File(tmp_path / "block.h5") as handle:
        assert handle["ids"].asstr()[:].tolist() == ["b"]
        without = {name: (reason, detail) for name, reason, detail in handle["without"].asstr()[:].tolist()}
    assert {name: reason for name, (reason, _) in without.items()} == {
        "a": "not_placed",
        "gone": "no_features",
        "case": "not_placed",
    }
    assert without["case"][1].startswith("a: not_placed, its features lack patch coordinates")


def test_tensors_and_arrays_of_slide2vec(shard, tmp_path):
    import torch

    for name in "abcde":
        shard.add(name, 4)
    shard.write(**INSPECTED)
    folder = tmp_path / "run" / "tile_embeddings"
    folder.mkdir(parents=True)
    (tmp_path / "run" / "slide_embeddings").mkdir()
    values = {name: some_features(9, seed=ord(name)) for name in "abcde"}
    torch.save(torch.from_numpy(values["a"]), folder / "a.pt")
    torch.save(torch.from_numpy(values["b"]).to(torch.bfloat16), folder / "b.pt")
    np.savez_compressed(folder / "c.npz", features=values["c"], tile_index=np.arange(9))
    torch.save(torch.from_numpy(values["d"]), folder / "d.pt")
    torch.save({"features": values["e"]}, folder / "e.pt")
    torch.save(torch.zeros(5), tmp_path / "run" / "slide_embeddings" / "a.pt")
    about = {"artifact_type": "tile_embeddings", "feature_dim": 5}
    for name, count in (("a", 9), ("d", 8)):
        (folder / f"{name}.meta.json").write_text(json.dumps(about | {"num_tiles": count}))
    rows = shard.extract("precomputed", folder=str(tmp_path / "run"))
    assert [row["status"] for row in rows.values()] == ["ok", "ok", "ok", "set_aside", "set_aside"]
    assert "d.meta.json says num_tiles 8, and the array is 9 x 5" in rows["d"]["detail"]
    assert "it can't be read" in rows["e"]["detail"]
    for name in "ac":
        np.testing.assert_array_equal(read(shard, rows[name]).features, values[name])
    np.testing.assert_allclose(read(shard, rows["b"]).features, values["b"], rtol=0.01)


def test_a_store_of_lazyslide(shard, tmp_path):
    shard.add("a", 4).write(**INSPECTED)
    values = some_features(9)
    store = zarr.open_group(tmp_path / "theirs" / "a.zarr", mode="w")
    for name, array in (("uni_tiles", values), ("conch_tiles", values * 2)):
        store.create_array(f"tables/{name}/X", data=array, chunks=(4, 5))
    assert shard.extract("precomputed", folder=str(tmp_path / "theirs"))["a"]["reason"] == "bad_features"
    row = shard.extract("precomputed", folder=str(tmp_path / "theirs"), features="conch")["a"]
    np.testing.assert_array_equal(read(shard, row).features, values * 2)


def test_the_width_is_that_of_most_files_of_the_cohort(shard, tmp_path):
    """A shard whose only file has another width doesn't know; files of other shards do."""
    shard.add("a", 4).write(**INSPECTED)
    folder = tmp_path / "theirs"
    write_h5(folder / "a.h5", some_features(9, 3))
    other_files = [folder / f"other{number}.h5" for number in range(2)]
    for path in other_files:
        write_h5(path, some_features(9))
    sample = [str(folder / "a.h5"), *map(str, other_files)]
    row = shard.extract("precomputed", folder=str(folder), given_sample=sample)["a"]
    assert "its features are 3 numbers wide, those of most files 5" in row["detail"]


def test_a_replaced_file_has_another_fingerprint(shard, tmp_path):
    shard.add("a", 4).write(**INSPECTED)
    marks = []
    for seed in (0, 1):
        write_h5(tmp_path / "theirs" / "a.h5", some_features(9, seed=seed))
        marks.append(shard.extract("precomputed", folder=str(tmp_path / "theirs"))["a"]["fingerprint"])
    assert marks[0] != marks[1]


def test_shared_cohort_with_nan_and_another_width(shard, shared_data):
    folder = shared_data.parent / "cases" / "19-precomputed"
    if not folder.is_dir():
        pytest.skip("no shared cases")
    for number in range(12):
        shard.add(f"S{number:02d}", 4)
    rows = shard.write().extract("precomputed", folder=str(folder))
    aside = {name: row["detail"].split(": ", 1)[1] for name, row in rows.items() if row["status"] != "ok"}
    assert set(aside) == {"S00", "S05"}
    assert "not finite" in aside["S00"]
    assert aside["S05"] == "its features are 8 numbers wide, those of most files 16"


@pytest.mark.parametrize(("mpp", "edge"), [("0.25", "64"), ("", "")])
def test_a_slide_without_a_raw_file_starts_at_its_features(mpp, edge, shard, tmp_path):
    """STAMP's micrometres are placed by the resolution of the sheet; without one only coordinate readers lack them."""
    from molpath.common.manifests import read_manifest, write_manifest
    from molpath.slides.inspection import inspect_shard

    shard.add("a", 4).write()
    shutil.rmtree(shard.wsi)  # no stage before writes anything there
    slide = {"slide_id": "a", "path": "", "mpp": mpp, "keep": "auto"}
    inspect_shard(slides=[slide], manifest=str(shard.inspected))
    inspected = read_manifest(shard.inspected)[0]
    assert (inspected["status"], inspected["reason"], inspected["mpp"]) == ("set_aside", "features_only", mpp)
    shard.rows = [{name: inspected[name] for name in ("slide_id", "status", "reason", "detail")}]
    write_manifest(shard.tiles, shard.rows, ["file"])
    stamp(tmp_path / "theirs" / "a.h5", some_features(9))
    row = shard.extract("precomputed", folder=str(tmp_path / "theirs"))["a"]
    assert (row["status"], row["patch_size_level0"]) == ("ok", edge)
    np.testing.assert_array_equal(read(shard, row).features, some_features(9).astype(np.float16).astype(np.float32))
    if mpp:
        assert read(shard, row, with_coords=True).coords[1].tolist() == [128, 192]
