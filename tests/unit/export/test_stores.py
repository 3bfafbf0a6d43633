"""SpatialData stores as folders: complete or absent, whatever is killed, and one name for one grid in all of them."""

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from molpath.export.asked import remove_folder
from molpath.export.spatial import key_of, remove_remnants, write_store
from molpath.study.exports import Exports


class Data:
    """What SpatialData's own `write` leaves, as far as names of files."""

    def __init__(self, text: str) -> None:
        self.text = text

    def write(self, path: Path, consolidate_metadata: bool) -> None:
        path.mkdir()
        for name in ("a", "b", "zarr.json"):
            (path / name).write_text(self.text)


def texts(store: Path) -> set[str]:
    return {path.read_text() for path in store.iterdir()}


def test_a_store_is_never_half_removed_and_what_a_kill_leaves_goes(tmp_path, monkeypatch):
    """A job is killed while the store that another replaces is removed, file by file."""
    store = tmp_path / "S1.zarr"
    write_store(Data("old"), store)

    def die(path, **_):
        if Path(path).exists():
            (Path(path) / "a").unlink()
            raise KeyboardInterrupt

    for remove, left in ((lambda: write_store(Data("new"), store), {"new"}), (lambda: remove_folder(store), None)):
        with monkeypatch.context() as patch:
            patch.setattr("shutil.rmtree", die)
            with pytest.raises(KeyboardInterrupt):
                remove()
        assert (texts(store) if store.exists() else None) == left
        if left:
            remove_remnants(tmp_path, ["S1", "S2"])
            assert list(tmp_path.iterdir()) == [store]
    (tmp_path / f".tmp-{socket.gethostname()}@{os.getpid()}@S3.zarr").mkdir()  # being written
    (tmp_path / ".tmp-elsewhere@1@S4.zarr").mkdir()
    (tmp_path / ".tmp-my own.zarr").mkdir()
    left = {path.name for path in tmp_path.iterdir()}
    remove_remnants(tmp_path, ["3", "tmp-my own", "S"])
    assert {path.name for path in tmp_path.iterdir()} == left
    remove_remnants(tmp_path, ["S1", "S3", "S4"])
    assert [path.name for path in tmp_path.iterdir()] == [".tmp-my own.zarr"]


def test_one_name_of_patches_is_one_grid_in_all_stores():
    """A slide that lacks patches of the main grid (scanned at 20x, where that is 40x) has none called `tiles`."""
    assert key_of("40x", "uni", set(), True) == key_of("40x", "uni", {"20x"}, True) == "tiles"
    assert key_of("20x", "uni", set(), False) == key_of("20x", "uni", {"40x"}, False) == "tiles-20x"
    assert key_of("40x", "theirs", {"40x"}, True) == "tiles-40x-theirs"


def test_the_main_grid_is_one_for_all_shards():
    """The slides of the second shard have no patches of the first grid in use, 40x; 10x comes first in the config."""
    shards = {("20x", "uni"): ["00000", "00001"], ("40x", "uni"): ["00000"]}
    grids = SimpleNamespace(by_name={name: {"name": name} for name in ("10x", "40x", "20x")})
    models = SimpleNamespace(
        slides=None, grids=grids, used_sources=lambda: sorted(shards), source_shards=lambda *source: shards[source]
    )
    exports = Exports({"export": {"use": ["spatialdata"], "python": ""}}, models, None, None)
    sources_of = {
        shard: [(source["grid"]["name"], source["main"]) for source in exports.sources(SimpleNamespace(shard=shard))]
        for shard in ("00000", "00001")
    }
    assert sources_of == {"00000": [("40x", True), ("20x", False)], "00001": [("20x", False)]}
