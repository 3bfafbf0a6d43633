"""No features are made of a coordinate file that is another than tiling left."""

import h5py
import pytest
from molpath.common.files import fingerprint
from molpath.common.manifests import read_manifest, write_manifest
from molpath.common.record import ChangedFile


def test_a_changed_coordinate_file_ends_the_job_and_is_named(shard):
    shard.add("a", 6).add("b", 6).write()
    rows = [row | {"fingerprint": fingerprint(shard.wsi / row["file"])} for row in read_manifest(shard.tiles)]
    write_manifest(shard.tiles, rows, ["file", "fingerprint"])
    assert {row["status"] for row in shard.extract().values()} == {"ok"}
    path = shard.wsi / rows[1]["file"]
    with h5py.File(path, "r+") as handle:
        handle["coords"][0] = [32, 32]
    with pytest.raises(ChangedFile, match=f"{path.name} is damaged, or was changed .* --forcerun tile_slides"):
        shard.extract()
