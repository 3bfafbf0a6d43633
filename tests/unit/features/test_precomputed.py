"""Features of another tool, in TRIDENT's layout, are read where they lie."""

import h5py
import numpy as np
import pytest


def write(path, features, **attributes):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        handle["features"] = features
        handle.create_dataset("coords", data=np.zeros((len(features), 2), np.int64)).attrs.update(attributes)


def test_rows_point_to_the_folder(shard, tmp_path):
    shard.add("a", 4).add("b", 4).add("empty", 1).add("white", 1, status="set_aside").write()
    folder = tmp_path / "theirs"
    write(folder / "a.h5", np.zeros((9, 5), np.float32), patch_size=32, target_magnification=20)
    write(folder / "empty.h5", np.zeros(0, np.float32))
    rows = shard.extract("precomputed", folder=str(folder))
    assert {k: r["reason"] for k, r in rows.items()} == {
        "a": "",
        "b": "no_features",
        "empty": "no_features",
        "white": "blank",
    }
    assert (rows["a"]["n_patches"], rows["a"]["dim"]) == ("9", "5")
    assert (shard.wsi / rows["a"]["file"]).samefile(folder / "a.h5")
    assert sorted(p.name for p in folder.iterdir()) == ["a.h5", "empty.h5"]


def test_another_grid_is_a_mistake_in_the_config(shard, tmp_path):
    shard.add("a", 4).write()
    write(tmp_path / "theirs" / "a.h5", np.zeros((9, 5)), patch_size=512, target_magnification=20)
    with pytest.raises(ValueError, match="patch_size 512, the grid of the config has 32"):
        shard.extract("precomputed", folder=str(tmp_path / "theirs"))
