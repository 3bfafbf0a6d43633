"""`snakemake export`: tables of a results folder, and slides as SpatialData that LazySlide opens."""

import json
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from environments import make_environment
from molpath.common.files import read_tsv
from page_examples import examples_of
from PIL import Image
from projects import call_snakemake, write_table
from vector_study import write_study

EXAMPLES = examples_of("outputs.md")
GRID, HALF, ENCODER = "20x_256px_0px_overlap", "20x_128px_64px_overlap", "tiny"
#: What the reader of the round trip needs in addition to export.lock and what the workflow runs with.
PEERS = ("lazyslide==0.13.0", "lazyslide-models==0.1.0", "wsidata==0.12.0", "legendkit==0.5.2")
PEERS += ("matplotlib-scalebar==0.9.0", "seaborn==0.13.2", "rich==15.0.0", "markdown-it-py==4.3.0", "mdurl==0.1.2")


def jobs(done) -> dict[str, int]:
    """Number of jobs per rule of a dry run."""
    assert done.returncode == 0, done.stdout[-3000:]
    return {name: int(count) for name, count in re.findall(r"^(\w+)\s+(\d+)$", done.stdout, re.M)}


def test_each_form_is_made_on_request_alone(project):
    project.config["slides"]["slides_per_job"] = 3
    project.write()
    assert not {name for name in jobs(project.snakemake("--dry-run", "--quiet", "rules")) if name.startswith("export")}
    counts = jobs(project.snakemake("export", "--dry-run", "--quiet", "rules"))
    assert {name: counts[name] for name in counts if name.startswith("export_")} == {
        "export_tables": 1, "export_croissant": 1,
    }  # fmt: skip
    project.config["export"] = {"use": ["spatialdata"]}
    project.write()
    counts = jobs(project.snakemake("export", "--dry-run", "--quiet", "rules"))
    assert counts["export_slides"] == counts["extract_features"] == 3
    assert "pretrain_run" not in counts
    assert "embed_block" not in counts


def test_spatialdata_that_cannot_be_imported_is_reported_before_any_job(project):
    project.config["export"] = {"use": ["spatialdata"]}
    project.write()
    done = project.snakemake("export", "--cores", "1")
    assert done.returncode == 1
    assert "can't import spatialdata, which export needs" in done.stdout
    assert "make export-env" in done.stdout
    assert not (project.folder / "results/slides").exists()


def test_mistakes_in_the_section_are_explained(project):
    project.config["export"] = {"use": ["spatialdata", "pathobench"], "python": "none/bin/python"}
    project.config |= {"probe": {}, "pretrain": {}, "embed": {}, "slides": {"sheet": ""}, "omics": {}}
    project.write()
    message = project.refusal()
    assert "key export/use: spatialdata is made of patch features, and no slide of this study has any" in message
    assert "key export/use: pathobench is made of tasks, and none is probed with frozen embeddings" in message
    assert "key export/python: none/bin/python is no program that can be run" in message
    assert "3 problems" in message


def test_an_export_of_nothing_is_refused_with_what_to_set(project):
    project.config["export"] = {"use": []}
    project.write()
    done = project.snakemake("export", "--dry-run")
    assert done.returncode != 0
    assert "config, key export/use: empty, so that there is nothing to export" in done.stdout
    assert "name at least one of parquet, croissant, spatialdata, pathobench" in done.stdout
    assert "Traceback" not in done.stdout


def test_forms_that_the_config_no_longer_names_are_reported(project):
    (project.folder / "results/export/spatialdata").mkdir(parents=True)
    (project.folder / "results/export/tables").mkdir()
    project.write()
    done = project.snakemake("export", "--dry-run", "--quiet", "rules")
    assert "results/export/spatialdata is of an earlier run: export/use doesn't name spatialdata" in done.stdout
    assert "results/export/tables is of" not in done.stdout
    assert jobs(done)["export_tables"] == 1


def test_tables_and_their_description_are_written_from_a_results_folder(tmp_path, repository):
    """A finished run of which the last files are given: what made them is tested elsewhere."""
    write_study(tmp_path, cases=6, width=2, tasks=1, folds=2)
    results = tmp_path / "results"
    write_table(
        results / "embed/mine/cases.tsv", [{"case_id": "01", "status": "ok"}, {"case_id": "NA", "status": "ok"}]
    )
    write_table(results / "benchmarks/resources.tsv", [{"rule": "embed_block", "jobs": "2", "hours": "0.5"}])
    write_table(results / "slides/00000.tsv", [{"slide_id": "of an earlier sheet", "status": "ok"}])
    (results / "export").mkdir()
    (results / "export/outputs.txt").write_text("benchmarks/resources.tsv\nembed/mine/cases.tsv\n")
    (results / "provenance.json").write_text('{"files": {}}')
    root = {"@id": "./", "datePublished": "2026-11-30", "description": "A run."}
    (results / "ro-crate-metadata.json").write_text(json.dumps({"@graph": [root]}))
    command = [tmp_path, repository / "workflow/Snakefile", "export", "--configfile", "config.yaml", "--cores", "1"]
    done = call_snakemake(*command, "--allowed-rules", "export", "export_tables", "export_croissant")
    assert done.returncode == 0, done.stdout[-3000:]
    cases = pq.read_table(results / "export/tables/embed-cases.parquet")
    assert cases["case_id"].to_pylist() == ["01", "NA"]
    assert cases["model"].to_pylist() == ["mine", "mine"]
    assert pq.read_table(results / "export/tables/benchmarks-resources.parquet")["hours"].to_pylist() == [0.5]
    assert not (results / "export/tables/slides.parquet").exists()
    metadata = json.loads((results / "croissant.json").read_text())
    assert {record_set["@id"] for record_set in metadata["recordSet"]} >= {"embed-cases", "benchmarks-resources"}


def exported_values(results: Path, column: str) -> set[str]:
    """What the Parquet tables hold in a column."""
    tables = [pq.read_table(path) for path in (results / "export/tables").glob("*.parquet")]
    return {value for table in tables if column in table.column_names for value in table[column].to_pylist() if value}


@pytest.mark.slow
def test_models_and_tasks_that_left_the_config_leave_the_exports(tmp_path, repository):
    """Two models on two tasks, then one of each: the same folder holds what the second config asks for."""
    write_study(tmp_path, cases=12, width=2, tasks=2, folds=2)
    config = yaml.safe_load((tmp_path / "config.yaml").read_text())
    config["embed"]["models"]["gone"] = config["embed"]["models"]["mine"]
    config["export"] = {"use": ["parquet", "croissant", "pathobench"]}
    command = [tmp_path, repository / "workflow/Snakefile", "export", "--configfile", "config.yaml", "--cores", "2"]
    results = tmp_path / "results"
    for models, tasks in ((["mine", "gone"], ["mine--t0", "mine--t1"]), (["mine"], ["mine--t0"])):
        config["embed"]["use"], config["probe"]["use"] = models, tasks
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        done = call_snakemake(*command)
        assert done.returncode == 0, done.stdout[-5000:]
        assert set(models) <= exported_values(results, "model") <= {*models, "0"}
        assert exported_values(results, "task") & {"mine--t0", "mine--t1"} == set(tasks)
        listed = json.loads((results / "croissant.json").read_text())["distribution"]
        names = {entry["name"] for entry in listed}
        assert {name.split("/")[1] for name in names if name.startswith("embed/")} == set(models)
        tables = {name.split("/")[2] for name in names if name.startswith("probe/")}
        assert tables == set(tasks)
        splits = {path.name for path in (results / "export/pathobench/splits/mine").iterdir()}
        assert splits == {task.partition("--")[2] for task in tasks}
        assert {path.name for path in (results / "export/pathobench/embeddings").iterdir()} == set(models)
        swept = {path.parts[-3:-1] for path in (results / "pathobench").glob("mine/*/*/*")}
        assert swept == {(task.partition("--")[2], f"{model}_linprobe") for task in tasks for model in models}
    assert not list(results.rglob("export/**/*gone*"))


@pytest.fixture(scope="module")
def spatial(tmp_path_factory, repository) -> Path:
    """Python with what export.lock lists; skips where that can't be installed."""
    lock = repository / "envs/export.lock"
    return make_environment(tmp_path_factory.mktemp("spatial"), "--require-hashes", "--no-deps", "--requirement", lock)


@pytest.fixture(scope="module")
def peers(tmp_path_factory, spatial) -> Path:
    """Python with LazySlide in addition; PyTorch is the workflow's own."""
    (site,) = (spatial.parents[1] / "lib").glob("python*/site-packages")
    beside = (site, Path(sysconfig.get_path("purelib")))
    return make_environment(tmp_path_factory.mktemp("peers"), "--no-deps", *PEERS, beside=beside)


@pytest.fixture(scope="module")
def slides(tmp_path_factory, repository, spatial) -> Path:
    """Four synthetic cases as far as features, exported by Snakemake."""
    from molpath.demo.cohort import make_cohort

    folder = tmp_path_factory.mktemp("slides")
    make_cohort(folder, n_cases=4, seed=1)
    sources = [{"grid": "main", "encoder": ENCODER}, {"grid": "half", "encoder": ENCODER}]
    grids = {"main": {"patch_size": 256}, "half": {"patch_size": 128, "overlap": 64}}
    config = {
        "slides": {"sheet": "slides.tsv", "max_failed_fraction": 0.9},
        "tiles": {"grids": grids},
        "features": {"encoders": {ENCODER: {"adapter": "mean_colour"}}, "use": sources},
        "report": {"note": "synthetic"},
        "export": {"use": ["spatialdata"], "python": str(spatial)},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
    command = [folder, repository / "workflow/Snakefile", "export", "--configfile", "config.yaml", "--cores", "2"]
    done = call_snakemake(*command)
    assert done.returncode == 0, done.stdout[-5000:]
    return folder


def call(python: Path, script: str, *arguments: Path | str, folder: Path | None = None, read=json.loads):
    """The last line that a script prints, in JSON."""
    done = subprocess.run([python, "-c", script, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return read(done.stdout.splitlines()[-1])


SPATIALDATA = """
import json, sys
import numpy as np, spatialdata
from spatialdata.transformations import get_transformation
data = spatialdata.read_zarr(sys.argv[1])
picture = data["wsi_thumbnail"]
axes = ("x", "y")
scale = lambda name, to: get_transformation(data[name], to).to_affine_matrix(axes, axes).tolist()
tables = {name: {"X": table.X.tolist(), "tile_id": table.obs.tile_id.tolist(), "dtype": str(table.X.dtype),
                 "region": sorted(set(table.obs.library_id)), "spatial": table.obsm["spatial"].tolist()}
          for name, table in data.tables.items()}
shapes = {name: {"bounds": data[name].bounds.to_numpy().tolist(), "area": float(data[name].area.sum()),
                 "columns": list(data[name].columns), "tissue": data[name].tissue_id.tolist()} for name in data.shapes}
joined = {name: len(spatialdata.match_table_to_element(data, table.obs.library_id.iloc[0], name))
          for name, table in data.tables.items()}
print(json.dumps({"tables": tables, "shapes": shapes, "joined": joined, "images": sorted(data.images),
    "pixels": np.asarray(picture).transpose(1, 2, 0).tolist(), "systems": sorted(data.coordinate_systems),
    "thumbnail": [scale("wsi_thumbnail", to) for to in ("global", "um")], "tiles": scale("tiles", "um"),
    "molpath": data.attrs["molpath"]}))
"""
LAZYSLIDE = """
import json, sys
import lazyslide
from wsidata import open_wsi
slide = open_wsi(sys.argv[1], store=sys.argv[2])
lazyslide.tl.tissue_props(slide)
lazyslide.pp.tile_graph(slide)
spec = slide.tile_spec("tiles")
features = slide.fetch.features_anndata("tiny", "tiles")
patch = next(iter(slide.iter.tile_images("tiles")))
print(json.dumps({"spec": [spec.width, spec.base_width, spec.base_stride_width, spec.mpp, spec.tissue_name],
    "half": [slide.tile_spec(k).base_width for k in slide.shapes if k.startswith("tiles-")],
    "mpp": slide.properties.mpp,
    "X": features.X.tolist(), "xy": features.obs[["x", "y"]].to_numpy().tolist(), "patch": list(patch.image.shape),
    "corner": patch.image.mean((0, 1)).tolist(), "columns": list(slide["tissues"].columns)}))
"""


WITHOUT_TISSUE = """
import json, sys
from pathlib import Path
import numpy as np, spatialdata
from molpath.embed.bags import Bag
from molpath.export.spatial import describe, write_store
class Bags:
    def read(self, slide, with_coords):
        return Bag(np.eye(2, 3, dtype=np.float32), np.array([[0, 0], [300, 0]]), 300)
grid = {"name": "g", "patch_size": 256, "overlap": 0, "mpp": 0, "magnification": 20}
seen = dict.fromkeys(("mpp", "width", "height", "magnification"), "")
source = {"grid": grid, "encoder": "x", "main": True}
data = describe(seen, {}, [(source, Bags())], Path(), {"slide_id": "S", "case_id": "C"})
write_store(data, Path(sys.argv[1]))
data = spatialdata.read_zarr(sys.argv[1])
spec = data.attrs["tile_spec"]["tiles"]
print(json.dumps({"names": sorted(name for _, name, _ in data.gen_elements()),
    "tissue": data["tiles"].tissue_id.tolist(),
    "X": data["x_tiles"].X.tolist(), "spec": spec, "systems": data.coordinate_systems}))
"""


@pytest.mark.slow
def test_features_of_other_tools_without_tissue_or_resolution(tmp_path, spatial, repository, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(repository / "workflow/scripts"))
    read = call(spatial, WITHOUT_TISSUE, tmp_path / "S.zarr")
    assert (read["names"], read["systems"]) == (["tiles", "x_tiles"], ["global"])
    assert (read["X"], read["tissue"]) == ([[1, 0, 0], [0, 1, 0]], [-1, -1])
    assert read["spec"]["tissue_name"] is None
    assert int(256 * read["spec"]["base_downsample"]) == 300  # as wsidata works it out


def exported(slides: Path) -> list[str]:
    """Slides with a store, by the manifest."""
    listed = read_tsv(slides / "results/export/spatialdata/00000.tsv")
    sheet = read_tsv(slides / "slides.tsv")
    assert listed.slide_id.tolist() == sheet.slide_id.tolist()
    assert listed.case_id.tolist() == sheet.case_id.tolist()
    extracted = read_tsv(slides / f"results/features/{GRID}/{ENCODER}/00000.tsv")
    assert (listed.status == "ok").tolist() == (extracted.status == "ok").tolist()
    assert (listed.detail != "").tolist() == (extracted.status != "ok").tolist()
    return listed.slide_id[listed.status == "ok"].tolist()


@pytest.mark.slow
def test_what_spatialdata_reads_back_is_what_was_written(slides, spatial):
    slide = exported(slides)[0]
    example = EXAMPLES["SpatialData"].replace("S1", slide) + "\nprint(sorted(slide.images))"
    assert call(spatial, example, folder=slides, read=str).strip() == "['wsi_thumbnail']"
    wsi = slides / "results/wsi"
    read = call(spatial, SPATIALDATA, slides / f"results/export/spatialdata/{slide}.zarr")
    half = f"tiles-{HALF}"
    assert set(read["tables"]) == {"tiny_tiles", f"tiny_{half}"}
    assert set(read["shapes"]) == {"tissues", "tiles", half}
    assert read["systems"] == ["global", "um"]
    assert read["molpath"] == {"slide_id": slide, "case_id": slide.split("-")[0], "note": "synthetic"}
    for key, grid in (("tiles", GRID), (half, HALF)):
        with h5py.File(wsi / grid / f"features_{ENCODER}/{slide}.h5") as handle:
            coords, features = handle["coords"][:], handle["features"][:].astype(np.float32)
            edge = int(handle["coords"].attrs["patch_size_level0"])
        table = read["tables"][f"tiny_{key}"]
        assert (table["dtype"], table["region"]) == ("float32", [key])
        np.testing.assert_array_equal(np.float32(table["X"]), features)
        np.testing.assert_array_equal(read["shapes"][key]["bounds"], np.hstack([coords, coords + edge]))
        np.testing.assert_array_equal(table["spatial"], coords + edge / 2)
        assert read["joined"][f"tiny_{key}"] == len(coords) == len(table["tile_id"])
    document = json.loads((wsi / f"contours_geojson/{slide}.geojson").read_text())
    outer = [np.array(feature["geometry"]["coordinates"][0]) for feature in document["features"]]
    bounds = [[*ring.min(0), *ring.max(0)] for ring in outer]
    np.testing.assert_array_equal(read["shapes"]["tissues"]["bounds"], bounds)
    assert set(read["shapes"]["tiles"]["tissue"]) <= set(range(len(outer)))
    # The thumbnail: the picture above the legend, at its scale.
    slide_row = read_tsv(slides / "results/slides/00000.tsv").set_index("slide_id").loc[slide]
    height, width, _ = np.shape(read["pixels"])
    drawn = np.asarray(Image.open(wsi / f"thumbnails/{slide}.jpg").convert("RGB"))
    assert (width, height) == Image.open(wsi / f"quality/{slide}.png").size
    assert height < len(drawn)
    np.testing.assert_array_equal(read["pixels"], drawn[:height])
    up = np.diag([int(slide_row.width) / width, int(slide_row.height) / height, 1.0])
    mpp = np.diag([float(slide_row.mpp)] * 2 + [1.0])
    np.testing.assert_allclose(read["thumbnail"], [up, mpp @ up])
    np.testing.assert_allclose(read["tiles"], mpp)


@pytest.mark.slow
def test_lazyslide_opens_a_store_with_its_slide(slides, peers):
    slide = exported(slides)[0]
    path = read_tsv(slides / "slides.tsv").set_index("slide_id").path[slide]
    read = call(peers, LAZYSLIDE, slides / path, slides / f"results/export/spatialdata/{slide}.zarr")
    example = EXAMPLES["LazySlide"].replace("slides/S1.svs", path).replace("S1", slide) + "\nprint(len(slide['tiles']))"
    with h5py.File(slides / f"results/wsi/{GRID}/features_{ENCODER}/{slide}.h5") as handle:
        coords, features = handle["coords"][:], handle["features"][:].astype(np.float32)
        edge = int(handle["coords"].attrs["patch_size_level0"])
    np.testing.assert_array_equal(np.float32(read["X"]), features)
    np.testing.assert_array_equal(read["xy"], coords)
    assert int(call(peers, example, folder=slides, read=str)) == len(coords)
    assert read["spec"] == [256, edge, edge, 0.5, "tissues"]
    with h5py.File(slides / f"results/wsi/{HALF}/features_{ENCODER}/{slide}.h5") as handle:
        assert read["half"] == [int(handle["coords"].attrs["patch_size_level0"])]
    assert read["patch"] == [256, 256, 3]
    # mean_colour says the same of the patch that LazySlide cuts at that place.
    np.testing.assert_allclose(np.array(read["corner"]) / 255, features[0], atol=0.02)
    assert read["mpp"] == float(read_tsv(slides / "results/slides/00000.tsv").set_index("slide_id").mpp[slide])
    assert "area" in read["columns"]


@pytest.mark.slow
def test_a_second_run_writes_the_same_bytes_and_leaves_nothing_else(slides, repository):
    folder = slides / "results/export/spatialdata"
    before, name = contents(folder), exported(slides)[0]
    (folder / "00000.tsv").unlink()
    (folder / f".tmp-elsewhere@1@{name}.zarr").mkdir()
    command = [slides, repository / "workflow/Snakefile", "export", "--configfile", "config.yaml", "--cores", "1"]
    done = call_snakemake(*command)
    assert done.returncode == 0, done.stdout[-3000:]
    after = contents(folder)
    assert sorted(after) == sorted(before)
    assert [path for path in after if after[path] != before[path]] == []
    assert not list(folder.glob(".tmp-*"))


@pytest.mark.slow
def test_a_slide_that_left_the_sheet_leaves_the_stores(slides, repository, tmp_path):
    """The first slide with a store goes; a copy of its store that a user made under another name stays."""
    folder = tmp_path / "study"
    shutil.copytree(slides, folder)
    gone, *further = exported(folder)
    stores = folder / "results/export/spatialdata"
    shutil.copytree(stores / f"{gone}.zarr", stores / "mine.zarr")
    sheet = read_tsv(folder / "slides.tsv").to_dict("records")
    write_table(folder / "slides.tsv", [row for row in sheet if row["slide_id"] != gone])
    command = [folder, repository / "workflow/Snakefile", "export", "--configfile", "config.yaml", "--cores", "2"]
    done = call_snakemake(*command)
    assert done.returncode == 0, done.stdout[-5000:]
    assert sorted(path.stem for path in stores.glob("*.zarr")) == sorted([*further, "mine"])
    assert exported(folder) == further
    listed = read_tsv(stores / "slides.tsv")
    assert listed.slide_id.tolist() == [row["slide_id"] for row in sheet if row["slide_id"] != gone]
    assert f"{gone}.zarr is removed" in (folder / "results/logs/export/stores.log").read_text()


def contents(folder: Path) -> dict[Path, bytes]:
    """Files of a folder, except Snakemake's records of when they were written."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".record" not in path.parts}
