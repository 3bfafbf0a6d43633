"""Features of other tools are read in place, in the layouts their tools document, and embedded."""

import re

import h5py
import numpy as np
import pytest


def some_features(count, dim=5, dtype=np.float32, seed=0):
    return np.random.default_rng(seed).normal(size=(count, dim)).astype(dtype)


def trident(path, features, coords=True, chunks=None, **attributes):
    """TRIDENT: features and coords with the attributes of the patch file; rows in chunks of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        stored = handle.create_dataset("features", data=features, chunks=chunks)
        stored.attrs.update(name=path.stem, savetodir="/somewhere", encoder="conch_v15")
        if coords:
            places = np.zeros((features.shape[-2] if features.ndim > 1 else 0, 2), np.int64)
            handle.create_dataset("coords", data=places).attrs.update(attributes)


def clam(path, features):
    """CLAM: features and coords, no attributes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        handle["features"], handle["coords"] = features, np.zeros((len(features), 2), np.int32)


def stamp(path, features, um=16.0, px=32):
    """STAMP: feats (fp16), coords in micrometres, attributes on the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        handle["feats"] = features.astype(np.float16)
        handle["coords"] = np.arange(2 * len(features), dtype=np.float32).reshape(-1, 2) * um
        handle.attrs.update(stamp_version="2.4.0", extractor="uni", unit="um", feat_type="tile", code_hash="0" * 8)
        handle.attrs.update(tile_size_um=um, tile_size_px=px)


def embedded(shard, slides):
    """Mean embeddings of slides through the stage that reads the manifest: id -> vector."""
    from molpath.embed.embedding import embed_block

    output = shard.folder / "block.h5"
    embed_block(
        members={name: [name] for name in slides},
        cases={name: name for name in slides},
        model={"name": "mean", "kind": "mean", "cases": "union"},
        manifests=[str(shard.results / "features" / "20x_32px_0px_overlap" / "precomputed" / "00000.tsv")],
        sources=[],
        wsi=str(shard.wsi),
        output=str(output),
        finished=str(shard.folder / "finished"),
        code="code",
    )
    with h5py.File(output) as handle:
        return dict(zip([name.decode() for name in handle["ids"]], handle["embeddings"][:], strict=True))


def test_rows_point_to_the_folder(shard, tmp_path):
    for name in ("a", "b", "empty", "vector", "other"):
        shard.add(name, 4)
    shard.add("white", 1, status="set_aside").write()
    folder = tmp_path / "theirs"
    trident(folder / "a.h5", some_features(9), patch_size=32, target_magnification=20)
    trident(folder / "empty.h5", np.zeros(0, np.float32))
    trident(folder / "vector.h5", np.zeros(768, np.float32))
    clam(folder / "other.h5", some_features(3))
    with h5py.File(folder / "other.h5", "a") as handle:
        handle.move("features", "imgs")
    rows = shard.extract("precomputed", folder=str(folder))
    assert {name: (row["reason"], row["detail"].split(": ")[-1]) for name, row in rows.items()} == {
        "a": ("", ""),
        "b": ("no_features", f"no file b.h5 in {folder}"),
        "empty": ("bad_features", "it holds no patches"),
        "vector": ("bad_features", "it holds one vector of 768 numbers, not one per patch (a slide's or a case's?)"),
        "other": ("bad_features", "neither features nor feats among its datasets (coords, imgs)"),
        "white": ("blank", "no tissue"),
    }
    assert (rows["a"]["n_patches"], rows["a"]["dim"]) == ("9", "5")
    assert (shard.wsi / rows["a"]["file"]).samefile(folder / "a.h5")
    assert len(list(folder.iterdir())) == 4


def test_a_trident_folder_goes_to_embedding(shard, tmp_path):
    """Two dimensions or three, chunks of one row, coords absent."""
    features = {name: some_features(6 + i, dtype=np.float16, seed=i) for i, name in enumerate("abc")}
    for name in features:
        shard.add(name, 4)
    shard.write()
    folder = tmp_path / "theirs"
    grid = {"patch_size": 32, "patch_size_level0": 64, "target_magnification": 20, "overlap": 0}
    trident(folder / "a.h5", features["a"], chunks=(1, 5), **grid)
    trident(folder / "b.h5", features["b"][None], **grid)
    trident(folder / "c.h5", features["c"], coords=False)
    rows = shard.extract("precomputed", folder=str(folder))
    assert [row["n_patches"] for row in rows.values()] == ["6", "7", "8"]
    for name, vector in embedded(shard, "abc").items():
        np.testing.assert_allclose(vector, features[name].astype(np.float64).mean(0), atol=1e-6)


@pytest.mark.parametrize("write", [clam, stamp])
def test_folders_of_clam_and_stamp_go_to_embedding(write, shard, tmp_path):
    features = {name: some_features(6 + i, seed=i) for i, name in enumerate("ab")}
    shard.add("a", 4).add("b", 4).write()
    folder = tmp_path / "theirs"
    places = {"a": folder / "h5_files/a.h5", "b": folder / "h5_files/b.h5"}
    if write is stamp:
        places = {"a": folder / "hospital one/a.h5", "b": folder / "hospital two/2020/b.h5"}
    for name, values in features.items():
        write(places[name], values)
    before = {path: path.read_bytes() for path in places.values()}
    rows = shard.extract("precomputed", folder=str(folder))
    assert [(row["status"], row["dim"]) for row in rows.values()] == [("ok", "5")] * 2
    kept = np.float16 if write is stamp else np.float32
    for name, vector in embedded(shard, "ab").items():
        np.testing.assert_allclose(vector, features[name].astype(kept).astype(np.float64).mean(0), atol=1e-6)
    assert {path: path.read_bytes() for path in folder.rglob("*.h5")} == before


def test_stamp_features_are_packed_for_training(shard, tmp_path):
    from molpath.pretrain.store import PatchStore, pack_patches

    values = some_features(7)
    shard.add("a", 4).write()
    stamp(tmp_path / "theirs" / "a.h5", values)
    shard.extract("precomputed", folder=str(tmp_path / "theirs"))
    (tmp_path / "pairs.tsv").write_text("slide_id\tstatus\na\tpaired\n")
    pack_patches(
        manifest=str(shard.results / "features" / "20x_32px_0px_overlap" / "precomputed" / "00000.tsv"),
        pairs=str(tmp_path / "pairs.tsv"),
        wsi=str(shard.wsi),
        patches=str(tmp_path / "patches.npy"),
        index=str(tmp_path / "index.tsv"),
        finished=str(tmp_path / "finished"),
        code="code",
    )
    packed = PatchStore([str(tmp_path / "patches.npy")], [str(tmp_path / "index.tsv")]).sample("a", None)
    np.testing.assert_array_equal(np.sort(packed, axis=0), np.sort(values.astype(np.float16), axis=0))


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda path: trident(path, some_features(9), patch_size=512, target_magnification=20),
            "patch_size 512, .* has 32",
        ),
        (
            lambda path: trident(path, some_features(9), patch_size=32, target_magnification=10),
            "target_magnification 10, .* 20",
        ),
        (lambda path: stamp(path, some_features(9), um=256, px=224), "patch_size 224, the grid of the config has 32"),
        (lambda path: stamp(path, some_features(9), um=32), "micrometres per pixel 1, the grid of the config has 0.5"),
    ],
)
def test_another_grid_sets_the_slide_aside(write, message, shard, tmp_path):
    shard.add("a", 4).write()
    write(tmp_path / "theirs" / "a.h5")
    row = shard.extract("precomputed", folder=str(tmp_path / "theirs"))["a"]
    assert row["reason"] == "bad_features"
    assert re.search(message, row["detail"]), row["detail"]


def test_two_files_of_one_slide_set_it_aside(shard, tmp_path):
    shard.add("a", 4).write()
    stamp(tmp_path / "theirs/one/a.h5", some_features(3))
    stamp(tmp_path / "theirs/two/a.h5", some_features(3))
    row = shard.extract("precomputed", folder=str(tmp_path / "theirs"))["a"]
    assert row["reason"] == "bad_features"
    assert re.search("two files of slide a: .*one/a.h5 and .*two/a.h5", row["detail"])
