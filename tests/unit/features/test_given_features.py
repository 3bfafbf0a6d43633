"""Feature files of other tools that are damaged, or of another slide or grid: set aside, or read rightly."""

import h5py
import numpy as np
import pytest

from .test_precomputed import some_features, stamp

#: What inspection saw of every slide of these tests: 40x, and patches of 32 pixels at 20x are 64 level-0 pixels wide.
INSPECTED = {"width": "4096", "height": "2048", "mpp": "0.25", "magnification": "40"}
GRID = {"patch_size": 32, "patch_size_level0": 64, "target_magnification": 20, "overlap": 0}
#: Level-0 pixels of nine patches side by side.
PLACES = np.array([(x, y) for y in (0, 64, 128) for x in (64, 128, 192)], np.int64)


def write_h5(path, features=None, coords=PLACES, attributes=GRID, **arrays):
    """A file of TRIDENT's layout."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as handle:
        if features is not None:
            handle["features"] = features
        if coords is not None:
            handle.create_dataset("coords", data=coords).attrs.update(attributes)
        for name, values in arrays.items():
            handle[name] = values


def inspect_one(shard, tmp_path, write, facts=INSPECTED, **more):
    """Row of slide `a` among two good slides; `write` makes its file."""
    for name in "abc":
        shard.add(name, 4)
    shard.write(**facts)
    folder = tmp_path / "theirs"
    for name in "bc":
        write_h5(folder / f"{name}.h5", some_features(9))
    write(folder / "a.h5")
    rows = shard.extract("precomputed", folder=str(folder), **more)
    assert [rows[name]["status"] for name in "bc"] == ["ok", "ok"]
    return rows["a"]


def read(shard, row, with_coords=False):
    """The slide's bag as later stages read it."""
    from molpath.embed.bags import Bags

    manifest = shard.results / "features" / "20x_32px_0px_overlap" / "precomputed" / "00000.tsv"
    return Bags([str(manifest)], str(shard.wsi)).read(row["slide_id"], with_coords)


def changed(row, column, value, dtype=np.float32):
    features = some_features(9).astype(dtype)
    features[row, column] = value
    return features


def linked(path):
    write_h5(path.with_name("elsewhere.h5"), some_features(9))
    write_h5(path)
    with h5py.File(path, "a") as handle:
        handle["features"] = h5py.ExternalLink("elsewhere.h5", "features")


def external(path):
    write_h5(path)
    with h5py.File(path, "a") as handle:
        handle.create_dataset("features", (9, 5), np.float32, external=[(str(path) + ".raw", 0, 180)])


def virtual(path):
    write_h5(path.with_name("elsewhere.h5"), some_features(9))
    write_h5(path)
    layout = h5py.VirtualLayout((9, 5), np.float32)
    layout[:] = h5py.VirtualSource(str(path.with_name("elsewhere.h5")), "features", (9, 5))
    with h5py.File(path, "a") as handle:
        handle.create_virtual_dataset("features", layout)


def absurd(path):
    write_h5(path)
    with h5py.File(path, "a") as handle:
        handle.create_dataset("features", (10**11, 5), np.float32, chunks=(1000, 5))


def bomb(path):
    write_h5(path)
    with h5py.File(path, "a") as handle:
        shape = 9, 5 * 10**7
        handle.create_dataset("features", shape, np.float32, chunks=shape, compression="gzip")[0] = 1


def killed(path):
    write_h5(path)
    with h5py.File(path, "a") as handle:
        handle.create_dataset("features", (9, 5), np.float32, chunks=(3, 5))[:3] = some_features(3)


def cut(path):
    write_h5(path, some_features(9))
    path.write_bytes(path.read_bytes()[:-300])


BAD = {
    "nan": (lambda p: write_h5(p, changed(7, 3, np.nan)), "row 7, column 3 is nan: not finite"),
    "inf": (lambda p: write_h5(p, changed(8, 4, -np.inf)), "row 8, column 4 is -inf: not finite"),
    "too large": (lambda p: write_h5(p, changed(2, 0, 1e6)), "row 2, column 0 is 1e+06: beyond 65,504"),
    "float64 beyond": (lambda p: write_h5(p, changed(2, 0, 1e300, float)), "row 2, column 0 is 1e+300: beyond 65,504"),
    "width": (lambda p: write_h5(p, some_features(9, 3)), "its features are 3 numbers wide, those of most files 5"),
    "transposed": (lambda p: write_h5(p, some_features(9).T), "holds features of 5 patches and coords of 9"),
    "zeros": (lambda p: write_h5(p, np.zeros((9, 5), np.float32)), "all of its features are 0"),
    "group": (lambda p: write_h5(p, **{"features/x/y": 1}), "'features/x' is a group, not an array"),
    "empty group": (lambda p: write_h5(p, **{"feats/x": some_features(9)}), "'feats' is a group, not an array"),
    "strings": (
        lambda p: write_h5(p, some_features(9).astype("S9")),
        "holds |S9, floating-point numbers are expected",
    ),
    "integers": (lambda p: write_h5(p, np.ones((9, 5), np.int8)), "holds int8, floating-point numbers are expected"),
    "external link": (linked, "'features' is a link into another file (elsewhere.h5)"),
    "external": (external, "the values of 'features' are in other files"),
    "virtual": (virtual, "the values of 'features' are in other files"),
    "absurd": (absurd, "0 of its 100000000 blocks were written"),
    "bomb": (bomb, "'features' claims 9 x 50000000, 1716 MiB"),
    "killed writer": (killed, "1 of its 3 blocks were written"),
    "cut": (cut, "it can't be read"),
    "no file": (lambda p: p.write_bytes(b"not HDF5"), "it can't be read"),
    "four dimensions": (lambda p: write_h5(p, np.ones((1, 9, 5, 2), np.float32)), "not patches x width"),
    "two slides": (lambda p: write_h5(p, np.ones((2, 9, 5), np.float32)), "not patches x width"),
    "no width": (lambda p: write_h5(p, np.ones((9, 0), np.float32)), "not patches x width"),
    "fewer coords": (lambda p: write_h5(p, some_features(9), PLACES[:8]), "features of 9 patches and coords of 8"),
    "coords of strings": (lambda p: write_h5(p, some_features(9), PLACES.astype("S9")), "'coords' holds |S9"),
    "coords of three": (lambda p: write_h5(p, some_features(9), np.ones((9, 3))), "shape 9 x 3, not N x 2"),
    "off the slide": (lambda p: write_h5(p, some_features(9), PLACES * 30), "are off the slide, row 2 at (5760, 0)"),
    "negative": (lambda p: write_h5(p, some_features(9), PLACES - 99), "are off the slide, row 0 at (-35, -99)"),
    "other slide": (
        lambda p: write_h5(p, some_features(9), attributes=GRID | {"level0_width": 4095}),
        "level0_width 4095, the slide has 4096",
    ),
    "other scale": (
        lambda p: write_h5(p, some_features(9), attributes=GRID | {"patch_size_level0": 32}),
        "patch_size_level0 32; patches of 32 pixels at 0.5 micrometres per pixel are 64 level-0 pixels wide",
    ),
    "other magnification": (
        lambda p: write_h5(p, some_features(9), attributes=GRID | {"level0_magnification": 20}),
        "level0_magnification 20, the slide has 40",
    ),
    "other overlap": (
        lambda p: write_h5(p, some_features(9), attributes=GRID | {"overlap": 16}),
        "overlap 16, the grid of the config has 0",
    ),
    "CLAM on another grid": (
        lambda p: write_h5(p, some_features(9), PLACES * 2, {}),
        "its patches are 128 level-0 pixels apart; those of the config's grid are 64 apart",
    ),
    "STAMP's coords in pixels": (
        lambda p: (stamp(p, some_features(9)), h5py.File(p, "a").attrs.update(unit="px")),
        "its coords are in 'px'",
    ),
    "STAMP off the slide": (lambda p: stamp(p, some_features(99)), "are off the slide"),
    "several encoders": (
        lambda p: write_h5(p, **{"features/uni": some_features(9), "features/conch": some_features(9)}),
        "it holds features of conch, uni: name one of them as `features` of the encoder in the config",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_costs_its_slide(case, shard, tmp_path):
    write, says = BAD[case]
    row = inspect_one(shard, tmp_path, write) if case != "bomb" else inspect_one(shard, tmp_path, write, memory_mb=1000)
    assert row["reason"] == "bad_features"
    assert says in row["detail"]
    assert "a.h5" in row["detail"]
