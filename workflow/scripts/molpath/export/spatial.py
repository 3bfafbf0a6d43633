"""A slide's tissue, patches and features as a SpatialData store, laid out so that LazySlide (wsidata) reads it, too.

<slide>.zarr holds
  images/wsi_thumbnail          the thumbnail, with contours and faults drawn on it
  shapes/tissues                polygons: tissue_id
  shapes/tiles                  squares: tile_id, x, y, tissue_id (-1: none); other grids and placings as tiles-<grid>
  tables/<encoder>_tiles        AnnData of features (float32), a row per square; obsm['spatial']: centres
  attrs                         tile_spec, slide_properties as wsidata has them; molpath: slide, case, note

Coordinate system `global` is pixels of level 0; `um` is micrometres.
Needs spatialdata, in an environment of its own (envs/export.yaml): `python -m molpath.export.spatial` reads a request
as JSON from stdin, the keyword arguments of `write_shard`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..common.files import is_temporary, temporary_of, write_tsv
from ..common.manifests import read_manifest
from ..common.reasons import OK
from ..embed.bags import Bags
from ..tiles.grid import target_mpp
from .asked import remove_folder
from .stores import is_ours

COLUMNS = ("slide_id", "case_id", "status", "detail", "file", "tissues", "tiles", "tables")


def run_by(python: str, **request: Any) -> None:
    """`write_shard` in a process of a Python that has spatialdata. Raises RuntimeError with its last line."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [python, "-m", "molpath.export.spatial"]
    done = subprocess.run(
        command, input=json.dumps(request), text=True, env=environment, capture_output=True, check=False
    )
    sys.stderr.write(done.stderr)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise RuntimeError(f"{python} could not write SpatialData: {last[0]}")


def write_shard(
    *,
    inspected: str,
    assessed: str,
    sources: Sequence[Mapping[str, Any]],
    cases: Mapping[str, str],
    wsi: str,
    note: str,
    output: str,
) -> None:
    """Write <slide>.zarr beside `output` for each slide of a shard that has features, and `output`: a row per slide.

    inspected, assessed: manifests of the stages slides and tissue; sources: `grid` (entry of the config with its name),
    `encoder`, `main` (True for sources of the first grid in use) and `manifest` of features; cases: case by slide;
    note: of all results, such as "synthetic". A store is replaced; that of a slide which is left out now is removed.
    """
    import pandas as pd

    bags = [(source, Bags([source["manifest"]], wsi)) for source in sources]
    tissue = {row["slide_id"]: row for row in read_manifest(assessed)}
    folder, rows = Path(output).parent, []
    remove_remnants(folder, cases)
    for slide_row in read_manifest(inspected):
        slide = slide_row["slide_id"]
        row: dict[str, Any] = {"slide_id": slide, "case_id": cases.get(slide, "")}
        having = [(source, bag) for source, bag in bags if slide in bag and bag.is_placed(slide)]
        lacking = [(source, bag) for source, bag in bags if (source, bag) not in having]
        row["detail"] = why_not(slide, lacking)
        if not having:
            remove_earlier(folder / f"{slide}.zarr")
            rows.append(row | {"status": "left out"})
            continue
        about = {"slide_id": slide, "case_id": row["case_id"], "note": note}
        data = describe(slide_row, tissue.get(slide, {}), having, Path(wsi), about)
        write_store(data, folder / f"{slide}.zarr")
        numbers = {name: len(shapes) for name, shapes in data.shapes.items()}
        counts = {"tissues": numbers.pop("tissues", 0), "tiles": sum(numbers.values())}
        rows.append(row | {"status": OK, "file": f"{slide}.zarr", "tables": " ".join(sorted(data.tables))} | counts)
    write_tsv(output, pd.DataFrame([{name: row.get(name, "") for name in COLUMNS} for row in rows], columns=COLUMNS))


def why_not(slide: str, lacking: Sequence[tuple[Mapping[str, Any], Bags]]) -> str:
    """Why a slide has no features of these sources, '' where there are none."""
    unplaced = "its features don't say where on the slide their patches lie"
    reasons: dict[str, list[str]] = {}
    for source, bag in lacking:
        reason = ": ".join(bag.aside[slide]) if slide in bag.aside else unplaced
        reasons.setdefault(reason, []).append(f"{source['encoder']} on {source['grid']['name']}")
    return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())


def describe(
    slide_row: Mapping[str, str],
    tissue: Mapping[str, str],
    having: Sequence[tuple[Mapping[str, Any], Bags]],
    wsi: Path,
    about: Mapping[str, str],
) -> Any:
    """A SpatialData of one slide. slide_row, tissue: its rows of the manifests; having: sources with its features."""
    from spatialdata import SpatialData

    placing = transformations(slide_row["mpp"], slide_row.get("mpp_y", ""))
    polygons = read_polygons(wsi, tissue)
    data = SpatialData(attrs=attributes(slide_row, about))
    if len(polygons):  # SpatialData knows no shapes without a row
        data["tissues"] = shapes_of({"tissue_id": np.arange(len(polygons))}, polygons, placing)
    placed: list[tuple[str, str, np.ndarray, int]] = []
    for source, bags in having:
        bag = bags.read(about["slide_id"], with_coords=True)
        grid, encoder, coords = source["grid"], source["encoder"], bag.coords
        assert coords is not None
        key = next(
            (k for k, g, c, e in placed if g == grid["name"] and e == bag.edge and np.array_equal(c, coords)), ""
        )
        if not key:
            key = key_of(grid["name"], encoder, {name for _, name, _, _ in placed}, source["main"])
            placed.append((key, grid["name"], coords, bag.edge))
            data[key] = tiles_of(coords, bag.edge, polygons, placing)
            data.attrs["tile_spec"][key] = tile_spec(grid, bag.edge) | {
                "tissue_name": "tissues" if len(polygons) else None
            }
        data[f"{encoder}_{key}"] = table_of(bag.features, coords + bag.edge / 2, key)
    if picture := thumbnail_of(slide_row, tissue, wsi):
        data["wsi_thumbnail"] = image_of(*picture, placing)
    return data


def key_of(grid: str, encoder: str, placed: Collection[str], main: bool) -> str:
    """Name of patches: `tiles` of the main grid, tiles-<grid> of others, and with the encoder where theirs differ.

    placed: grids of the slide that have a name. A slide without patches of the main grid has no `tiles`: that name
    means one grid in all stores, or readers of many slides would mix magnifications.
    """
    if grid in placed:
        return f"tiles-{grid}-{encoder}"
    return "tiles" if main else f"tiles-{grid}"


def transformations(across: str, down: str) -> dict[str, Any]:
    """From pixels of level 0 to the coordinate systems. across, down: micrometres per pixel; '' where unknown."""
    from spatialdata.transformations import Identity, Scale

    scale = {"um": Scale([float(across), float(down or across)], axes=("x", "y"))} if across else {}
    return {"global": Identity(), **scale}


def attributes(slide_row: Mapping[str, str], about: Mapping[str, str]) -> dict[str, Any]:
    """What is said of the slide as a whole. wsidata knows one resolution, that across; the sheet's where it has one."""
    properties: dict[str, Any] = {}
    if slide_row["width"] and slide_row["height"]:
        properties["shape"] = [int(slide_row["height"]), int(slide_row["width"])]
    if slide_row["mpp"]:
        properties["mpp"] = float(slide_row["mpp"])
    if slide_row["magnification"]:
        properties["magnification"] = float(slide_row["magnification"])
    return {"slide_properties": properties, "tile_spec": {}, "molpath": dict(about)}


def read_polygons(wsi: Path, tissue: Mapping[str, str]) -> np.ndarray:
    """Tissue of a slide as polygons in pixels of level 0, none where it was not looked for."""
    import shapely

    if not tissue.get("contours"):
        return np.array([], dtype=object)
    document = json.loads((wsi / tissue["contours"]).read_text(encoding="utf-8"))
    return np.array(
        [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in document["features"]], dtype=object
    )


def shapes_of(columns: Mapping[str, Any], geometry: np.ndarray, placing: Mapping[str, Any]) -> Any:
    """A table of shapes, of one row at least."""
    import geopandas
    from spatialdata.models import ShapesModel

    return ShapesModel.parse(geopandas.GeoDataFrame(dict(columns), geometry=geometry), transformations=dict(placing))


def tiles_of(coords: np.ndarray, edge: int, polygons: np.ndarray, placing: Mapping[str, Any]) -> Any:
    """Patches as squares (coords: int64 N x 2, top-left), each with the tissue that it shares most with."""
    import shapely

    x, y = coords.T
    squares = shapely.box(x, y, x + edge, y + edge)
    tissue, largest = np.full(len(coords), -1, dtype=np.int64), np.zeros(len(coords))
    valid = shapely.make_valid(polygons)  # outlines of a mask may touch themselves
    square, polygon = shapely.STRtree(valid).query(squares, predicate="intersects")
    areas = shapely.area(shapely.intersection(squares[square], valid[polygon]))
    for i, j, area in zip(square, polygon, areas, strict=True):
        if area > largest[i]:
            tissue[i], largest[i] = j, area
    columns = {"tile_id": np.arange(len(coords)), "x": x, "y": y, "tissue_id": tissue}
    return shapes_of(columns, squares, placing)


def tile_spec(grid: Mapping[str, Any], edge: int) -> dict[str, Any]:
    """wsidata's TileSpec of a grid: patches are cut from level 0, `edge` pixels there, and scaled down."""
    size, step = grid["patch_size"], grid["patch_size"] - grid["overlap"]
    scale = edge / size
    while int(size * scale) < edge:  # wsidata rounds down
        scale = float(np.nextafter(scale, np.inf))
    sizes = {"height": size, "width": size, "stride_height": step, "stride_width": step}
    levels = {"ops_level": 0, "ops_downsample": scale, "base_level": 0, "base_downsample": scale}
    return sizes | levels | {"mpp": target_mpp(grid)}  # type: ignore[arg-type]


def table_of(features: np.ndarray, centres: np.ndarray, key: str) -> Any:
    """Features (float32 N x D) as a table that annotates the shapes `key`, row by row."""
    import pandas as pd
    from anndata import AnnData
    from spatialdata.models import TableModel

    ids = np.arange(len(features))
    obs = pd.DataFrame({"tile_id": ids, "library_id": pd.Categorical([key] * len(ids))}, index=ids.astype(str))
    data = AnnData(features, obs=obs, var=pd.DataFrame(index=np.arange(features.shape[1]).astype(str)))
    data.obsm["spatial"] = centres
    return TableModel.parse(data, region=key, region_key="library_id", instance_key="tile_id")


def thumbnail_of(
    slide_row: Mapping[str, str], tissue: Mapping[str, str], wsi: Path
) -> tuple[np.ndarray, tuple[float, float]] | None:
    """Thumbnail (uint8 height x width x 3) without its legend, and level-0 pixels to one of its pixels (x, y)."""
    from PIL import Image

    if not (tissue.get("thumbnail") and tissue.get("quality") and slide_row["width"] and slide_row["height"]):
        return None
    with Image.open(wsi / tissue["quality"]) as quality:  # of the same size, without the legend below
        width, height = quality.size
    with Image.open(wsi / tissue["thumbnail"]) as picture:
        pixels = np.asarray(picture.convert("RGB"))[:height, :width]
    return pixels, (int(slide_row["width"]) / width, int(slide_row["height"]) / height)


def image_of(pixels: np.ndarray, scale: tuple[float, float], placing: Mapping[str, Any]) -> Any:
    """An image in the same coordinate systems."""
    from spatialdata.models import Image2DModel
    from spatialdata.transformations import Scale
    from spatialdata.transformations import Sequence as Chain

    up = Scale(list(scale), axes=("x", "y"))
    scales = {name: Chain([up, step]) if name != "global" else up for name, step in placing.items()}
    return Image2DModel.parse(
        pixels.transpose(2, 0, 1), dims=("c", "y", "x"), c_coords=["r", "g", "b"], transformations=scales
    )


def remove_remnants(folder: Path, slides: Collection[str]) -> None:
    """Make the folder, and remove what killed jobs left of the stores of these slides, which only one job writes.

    One scan of the folder per job: one per slide would be quadratic in the cohort.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = {f"{slide}.zarr" for slide in slides}
    for path in folder.glob(".tmp-*.zarr"):
        if is_temporary(path) and path.name.rpartition("@")[2] in names:
            remove_folder(path)


def remove_earlier(store: Path) -> None:
    """Remove a store that an earlier run wrote; one that this workflow didn't write stays."""
    if is_ours(store):
        remove_folder(store)


def write_store(data: Any, path: Path) -> None:
    """Write a SpatialData to a folder that appears whole or not at all, and is never seen half removed."""
    temporary, replaced = temporary_of(path), temporary_of(path.with_name(f"replaced@{path.name}"))
    data.write(temporary, consolidate_metadata=True)
    if is_there := path.exists():
        os.replace(path, replaced)
    os.replace(temporary, path)
    if is_there:
        remove_folder(replaced)


if __name__ == "__main__":
    write_shard(**json.load(sys.stdin))
