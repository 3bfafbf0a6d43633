"""Features by LazySlide, for extract_features.py; runs in .venv-peers. Prints wall and CPU seconds as JSON.

Arguments, as JSON: slides (list of paths), coords (list of N x 2, level-0 pixels), encoder (bench_encoders:null or
efficientnet_lite0), workers. Slides are opened, given their tiles and encoded, one after the other; writing is left
out. A few patches of the first come before, to warm up.
"""

import json
import resource
import sys
import time

import geopandas
import lazyslide
import numpy as np
import torch
from bench_encoders import mean_colours
from lazyslide.preprocess._tiles import _add_tiles
from shapely import box
from torchvision.transforms import v2
from wsidata import TileSpec, open_wsi

SIZE, EDGE = 512, 1024


def network(name):
    """Model and transform of an encoder; EfficientNet-Lite0 is this workflow's own, batch norms folded."""
    if name == "bench_encoders:null":
        return mean_colours, None
    from molpath.features import efficientnet_lite

    transform = v2.Compose(
        [
            v2.ToImage(),
            v2.Resize(224, antialias=True),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize([0.5], [0.5]),
        ]
    )
    return efficientnet_lite.folded(efficientnet_lite.EfficientNetLite0().eval()), transform


def extract(path, coords, model, transform, workers):
    """Features of one slide."""
    slide = open_wsi(path)
    tiles = geopandas.GeoDataFrame(
        {"tile_id": np.arange(len(coords)), "tissue_id": 0}, geometry=[box(x, y, x + EDGE, y + EDGE) for x, y in coords]
    )
    _add_tiles(slide, tiles, TileSpec.from_wsidata(slide, SIZE, mpp=0.5), "tiles")
    options = {"num_workers": workers, "pbar": False, "device": "cpu", "return_features": True}
    return lazyslide.tl.feature_extraction(slide, model, transform=transform, model_name="bench", **options)


def cpu_seconds():
    """CPU time of this process and its ended children."""
    used = [resource.getrusage(process) for process in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main():
    """Warm up, then time."""
    task = json.loads(sys.argv[1])
    model, transform = network(task["encoder"])
    extract(task["slides"][0], task["coords"][0][:8], model, transform, task["workers"])
    began, used = time.perf_counter(), cpu_seconds()
    for path, coords in zip(task["slides"], task["coords"], strict=True):
        features = extract(path, coords, model, transform, task["workers"])
        assert len(features) == len(coords)
    print(json.dumps({"wall": time.perf_counter() - began, "cpu": cpu_seconds() - used}))


if __name__ == "__main__":
    main()
