"""SpatialData of odd slides: outlines that touch themselves, encoders that lack one, slides left out since."""

import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from environments import make_environment
from molpath.common.files import fingerprint, read_tsv
from molpath.common.manifests import accepted, set_aside, write_manifest
from molpath.export.spatial import run_by
from molpath.export.stores import is_ours
from molpath.slides.inspection import inspect_slide

GRID = {"name": "20x_256px_0px_overlap", "patch_size": 256, "overlap": 0, "mpp": 0, "magnification": 20}
#: Two triangles that meet at (256, 128): one of them is in the first patch, the other in the second.
BOW = [[[0, 0], [512, 256], [512, 0], [0, 256], [0, 0]]]
READER = """
import json, sys
import spatialdata
data = spatialdata.read_zarr(sys.argv[1])
tables = {name: table.X.tolist() for name, table in data.tables.items()}
scales = {to: spatialdata.transformations.get_transformation(data["tiles"], to).to_affine_matrix(("x", "y"), ("x", "y"))
          for to in data.coordinate_systems}
print(json.dumps({"scales": {to: matrix.diagonal().tolist()[:2] for to, matrix in scales.items()},
                  "properties": data.attrs["slide_properties"], "tissue": data["tiles"].tissue_id.tolist(),
                  "tables": tables}))
"""


@pytest.fixture(scope="module")
def spatial(tmp_path_factory, repository) -> Path:
    """Python with what export.lock lists; skips where that can't be installed."""
    lock = repository / "envs/export.lock"
    return make_environment(tmp_path_factory.mktemp("spatial"), "--require-hashes", "--no-deps", "--requirement", lock)


def write_features(wsi: Path, encoder: str, slides: list[str]) -> dict[str, dict]:
    """Rows of a manifest: slides of three patches side by side, half precision, each with numbers of its own."""
    rows = {}
    for number, slide in enumerate(slides):
        path = wsi / f"{GRID['name']}/features_{encoder}/{slide}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(path, "w") as handle:
            handle["features"] = np.full((3, 2), number + 1, np.float16)
            handle["coords"] = np.array([[0, 0], [256, 0], [1024, 0]])
        facts = {"file": path.relative_to(wsi).as_posix(), "fingerprint": fingerprint(path), "dim": 2}
        rows[slide] = accepted(slide, n_patches=3, coords_scale=1, patch_size_level0=256, **facts)
    return rows


def export(folder: Path, python: Path, rows: dict[str, list[dict]], inspected: list[dict] | None = None) -> list[dict]:
    """The list that is written of the slides A and B; rows: of the features' manifest, by encoder."""
    wsi = folder / "wsi"
    sizes = dict.fromkeys(("mpp", "width", "height", "magnification"), "")
    inspected = inspected or [accepted(slide, **sizes) for slide in "AB"]
    write_manifest(folder / "slides.tsv", inspected, [*sizes, *({"mpp_y"} & inspected[0].keys())])
    (wsi / "A.geojson").write_text(
        json.dumps({"features": [{"geometry": {"type": "Polygon", "coordinates": BOW}}]}), encoding="utf-8"
    )
    write_manifest(folder / "tissue.tsv", [accepted("A", contours="A.geojson"), accepted("B")], ["contours"])
    sources = []
    for encoder, encoder_rows in rows.items():
        columns = ["n_patches", "file", "fingerprint", "dim", "coords_scale", "patch_size_level0"]
        write_manifest(folder / f"{encoder}.tsv", encoder_rows, columns)
        manifest = str(folder / f"{encoder}.tsv")
        sources.append({"grid": GRID, "encoder": encoder, "main": True, "manifest": manifest})
    run_by(
        str(python),
        inspected=str(folder / "slides.tsv"),
        assessed=str(folder / "tissue.tsv"),
        sources=sources,
        cases={"A": "C1", "B": "C2"},
        wsi=str(wsi),
        note="",
        output=str(folder / "out/00000.tsv"),
    )
    return read_tsv(folder / "out/00000.tsv").to_dict("records")


def read(python: Path, store: Path) -> dict:
    done = subprocess.run([python, "-c", READER, store], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_odd_slides_are_written_and_what_is_lacking_is_reported(tmp_path, spatial):
    of_one, two = (write_features(tmp_path / "wsi", encoder, ["A", "B"]) for encoder in ("one", "two"))
    aside = set_aside("B", "bad_features", "row 1 is not finite")
    first, second = export(tmp_path, spatial, {"one": list(of_one.values()), "two": [two["A"], aside]})
    assert (first["status"], first["tables"], first["detail"]) == ("ok", "one_tiles two_tiles", "")
    assert (second["status"], second["tables"]) == ("ok", "one_tiles")
    assert second["detail"] == "two on 20x_256px_0px_overlap: bad_features: row 1 is not finite"
    contents = read(spatial, tmp_path / "out/A.zarr")
    assert contents["tissue"] == [0, 0, -1]  # an outline that crosses itself has an area on both sides
    assert contents["tables"] == {"one_tiles": [[1, 1]] * 3, "two_tiles": [[1, 1]] * 3}
    assert read(spatial, tmp_path / "out/B.zarr")["tables"] == {"one_tiles": [[2, 2]] * 3}
    assert is_ours(tmp_path / "out/A.zarr")
    assert not is_ours((tmp_path / "out/A.zarr").rename(tmp_path / "out/copy.zarr"))
    (tmp_path / "out/copy.zarr").rename(tmp_path / "out/A.zarr")
    # B is left out now, and nothing of it stays.
    kept, left_out = export(tmp_path, spatial, {"one": [of_one["A"], aside]})
    assert (kept["status"], left_out["status"]) == ("ok", "left out")
    assert left_out["detail"] == "one on 20x_256px_0px_overlap: bad_features: row 1 is not finite"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["00000.tsv", "A.zarr"]


@pytest.mark.slow
def test_pixels_that_are_a_little_wider_than_high_have_a_scale_per_axis(tmp_path, spatial):
    """Up to 3 % is allowed: A is 0.5 micrometres across and 0.51 down, B half as wide as high and set aside."""
    rows = []
    for slide, down in (("A", 0.51), ("B", 1.0)):
        path, per_cm = tmp_path / f"{slide}.tif", (1e4 / 0.5, 1e4 / down)
        pixels = np.full((256, 1280, 3), 200, np.uint8)
        options = {"photometric": "rgb", "tile": (256, 256), "metadata": None}
        tifffile.imwrite(path, pixels, resolution=per_cm, resolutionunit="CENTIMETER", **options)
        rows.append(inspect_slide({"slide_id": slide, "path": str(path), "mpp": "", "keep": "auto"}))
    assert [(row["status"], row["reason"]) for row in rows] == [("ok", ""), ("set_aside", "not_square")]
    assert (rows[0]["mpp"], rows[0]["mpp_y"]) == ("0.5", "0.51")
    features = write_features(tmp_path / "wsi", "one", ["A"])
    aside = set_aside("B", rows[1]["reason"], rows[1]["detail"])
    first, second = export(tmp_path, spatial, {"one": [features["A"], aside]}, rows)
    assert (first["status"], second["status"]) == ("ok", "left out")
    assert "not_square: 0.5 micrometres per pixel across and 1 down" in second["detail"]
    report = read(spatial, tmp_path / "out/A.zarr")
    np.testing.assert_allclose(report["scales"]["um"], [0.5, 0.51])
    assert report["scales"]["global"] == [1, 1]
    assert report["properties"] == {"shape": [256, 1280], "mpp": 0.5, "magnification": 20}
