"""A small shard of array slides with their manifests of the stages before."""

from pathlib import Path

import h5py
import numpy as np
import pytest

GRID = {"name": "20x_32px_0px_overlap", "patch_size": 32, "magnification": 20, "mpp": None, "scale": "mpp"}
GRID |= {"overlap": 0}


class Shard:
    """Manifests, coordinates and raw files of a few slides below a folder."""

    def __init__(self, folder: Path):
        self.folder, self.results, self.wsi = folder, folder / "results", folder / "results" / "wsi"
        self.rows = []

    def add(self, slide_id, patches, status="ok", level0_edge=32):
        """A slide with `patches` patches; its pixels depend on its name only."""
        from molpath.common.manifests import accepted, set_aside

        columns = 8
        lines = -(-patches // columns)
        rng = np.random.default_rng(sum(map(ord, slide_id)))
        pixels = rng.integers(0, 256, (max(1, lines) * level0_edge, columns * level0_edge, 3), dtype=np.uint8)
        np.save(self.folder / f"{slide_id}.npy", pixels)
        coords = np.array([(i % columns * level0_edge, i // columns * level0_edge) for i in range(patches)], np.int64)
        path = self.wsi / GRID["name"] / "patches" / f"{slide_id}_patches.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as handle:
            dataset = handle.create_dataset("coords", data=coords.reshape(-1, 2))
            dataset.attrs.update(
                patch_size=32, patch_size_level0=level0_edge, target_magnification=20, overlap=0, name=slide_id
            )
        self.rows.append(
            accepted(slide_id, file=path.relative_to(self.wsi).as_posix())
            if status == "ok"
            else set_aside(slide_id, "blank", "no tissue", file="")
        )
        return self

    def write(self, identity="identity", **facts):
        """Write the manifests of the stages before; `seen`: what inspection saw of every slide."""
        from molpath.common.manifests import accepted, write_manifest

        self.tiles = self.results / "tiles" / GRID["name"] / "00000.tsv"
        self.inspected = self.results / "slides" / "00000.tsv"
        write_manifest(self.tiles, self.rows, ["file"])
        rows = [accepted(row["slide_id"], identity=f"{identity} {row['slide_id']}", **facts) for row in self.rows]
        write_manifest(self.inspected, rows, ["identity", *facts])
        return self

    def arguments(self, encoder="mean_colour", weights=(), **more):
        """Arguments of `extract_shard`."""
        from slide_doubles import open_array

        about = {"name": encoder.split(":")[-1], "adapter": encoder, "features": ""} | {
            key: more.pop(key)
            for key in ("batch_size", "workers", "folder", "precision", "decode", "store", "features")
            if key in more
        }
        defaults = {
            "tiles": str(self.tiles),
            "inspected": str(self.inspected),
            "slides": {row["slide_id"]: str(self.folder / f"{row['slide_id']}.npy") for row in self.rows},
            "manifest": str(self.results / "features" / GRID["name"] / about["name"] / "00000.tsv"),
            "wsi": str(self.wsi),
            "grid": GRID,
            "encoder": about,
            "weights": list(weights),
            "code": "code",
            "threads": 2,
            "opener": open_array,
        }
        return defaults | more

    def extract(self, *args, **more):
        """Run the extraction and return the manifest's rows by slide."""
        from molpath.common.manifests import read_manifest
        from molpath.features.extraction import extract_shard

        arguments = self.arguments(*args, **more)
        extract_shard(**arguments)
        return {row["slide_id"]: row for row in read_manifest(arguments["manifest"])}


@pytest.fixture
def shard(tmp_path):
    """An empty shard."""
    return Shard(tmp_path)


@pytest.fixture(scope="session")
def random_weights(tmp_path_factory):
    """EfficientNet-Lite0 with random weights and random running statistics, as safetensors."""
    import torch
    from molpath.features.efficientnet_lite import EfficientNetLite0
    from safetensors.torch import save_file

    torch.manual_seed(0)
    state = EfficientNetLite0().state_dict()
    for key, value in state.items():
        if key.endswith("running_mean"):
            value.normal_(0, 0.1)
        elif key.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save_file(state, path)
    return str(path)
