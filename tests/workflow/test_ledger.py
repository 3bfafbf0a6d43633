"""A cohort that loses a slide at every stage: the ledger, and every table of counts, against the files on disk."""

import re
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
import yaml
from molpath.common.files import read_tsv
from molpath.demo.slide_files import make_slides
from projects import call_snakemake, write_table

GRID, ENCODER = "20x_256px_0px_overlap", "theirs"
#: What is wrong with each slide, by id, with the stage at which it should be lost.
SLIDES = {
    "sound-1": ("", ""),
    "sound-2": ("", ""),
    "cut": ("slides", "unreadable"),
    "white": ("tissue", "blank"),
    "narrow": ("tiles", "no_patches"),
    "not-a-number": ("features", "bad_features"),
    "no-file": ("features", "no_features"),
    "unknown": ("embed", "no_vector"),
}
CONFIG = {
    "slides": {"sheet": "slides.tsv", "slides_per_job": 8, "max_failed_fraction": 0.9},
    "tissue": {"min_area_mm2": 0.01},
    "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.9}}},
    "features": {"encoders": {ENCODER: {"adapter": "precomputed", "folder": "theirs"}}},
    "embed": {
        "models": {
            "mean": {"kind": "mean", "grid": "main", "encoder": ENCODER},
            "given": {"kind": "table", "path": "vectors.tsv"},
        },
        "use": ["mean", "given"],
    },
}


def write_cohort(folder: Path) -> None:
    """Slides as SLIDES says, features of another tool, and vectors of cases."""
    (folder / "slides").mkdir()
    (folder / "theirs").mkdir()
    rows = [
        {"slide_id": name, "case_id": f"case-{name}", "path": f"slides/{name}.svs", "cohort": "A"} for name in SLIDES
    ]
    for row in rows:
        name, path = row["slide_id"], folder / row["path"]
        special = "blank" if name == "white" else ""
        size = (220, 900) if name == "narrow" else (900, 900)
        make_slides([row | {"path": str(path), "objective": "20", "special": special}], 1, size=size)
        values = np.random.default_rng(0).normal(size=(4, 3))
        values[2, 1] = np.nan if name == "not-a-number" else 1
        if name != "no-file":
            with h5py.File(folder / "theirs" / f"{name}.h5", "w") as handle:
                handle["features"] = values.astype(np.float32)
    (folder / "slides/cut.svs").write_bytes(b"no slide")
    write_table(folder / "slides.tsv", rows)
    vectors = [{"case_id": row["case_id"], "v0": 1, "v1": i} for i, row in enumerate(rows)]
    write_table(folder / "vectors.tsv", [row for row in vectors if row["case_id"] != "case-unknown"])
    (folder / "config.yaml").write_text(yaml.safe_dump(CONFIG))


@pytest.fixture(scope="module")
def losses(tmp_path_factory, repository) -> tuple[Path, str]:
    """The cohort's folder after a run as far as the table of exclusions, and what stood on the terminal."""
    folder = tmp_path_factory.mktemp("losses")
    write_cohort(folder)
    snakefile = repository / "workflow/Snakefile"
    arguments = ["results/tables/exclusions.tsv", "--configfile", "config.yaml", "--cores", "2"]
    done = call_snakemake(folder, snakefile, *arguments)
    assert done.returncode == 0, done.stdout[-4000:]
    return folder, done.stdout


def test_each_slide_is_lost_where_it_should_be_and_carried_on(losses):
    ledger = read_tsv(losses[0] / "results/tables/ledger.tsv")
    reason_of = {}
    for row in ledger[(ledger.status == "set_aside") & (ledger.stage == ledger.lost_at)].itertuples():
        reason_of.setdefault(row.slide_id, (row.stage, row.reason))
    assert reason_of == {name: fate for name, fate in SLIDES.items() if fate[0]}
    counts = ledger.groupby(["stage", "model"]).slide_id.nunique()
    assert set(counts) == {len(SLIDES)}, "every slide has a row at every stage"
    carried = ledger[(ledger.slide_id == "white") & ledger.stage.isin(["tissue", "tiles", "features"])]
    assert set(carried.reason) == {"blank"}
    assert set(carried.lost_at) == {"tissue"}


def test_the_ledger_agrees_with_files_on_disk(losses):
    results = losses[0] / "results"
    ledger = read_tsv(results / "tables/ledger.tsv")
    kept = ledger[ledger.status == "ok"].groupby(["stage", "model"]).slide_id.agg(set)
    contours = {path.stem for path in (results / "wsi/contours_geojson").glob("*.geojson")}
    assert kept["tissue", ""] <= contours
    tiled = dict.fromkeys(SLIDES, 0)
    for path in (results / f"wsi/{GRID}/patches").glob("*.h5"):
        with h5py.File(path) as handle:
            tiled[path.stem.removesuffix("_patches")] = len(handle["coords"])
    patches = ledger[ledger.stage == "tiles"].set_index("slide_id").patches.replace("", "0").astype(int)
    assert patches.to_dict() == tiled
    manifests = [read_tsv(path) for path in sorted((results / f"features/{GRID}/{ENCODER}").glob("*.tsv"))]
    files = {row.slide_id: results / "wsi" / row.file for part in manifests for row in part.itertuples() if row.file}
    assert kept["features", ""] == set(files)
    assert all(path.is_file() for path in files.values())
    for model in ("mean", "given"):
        embedded = anndata.read_h5ad(results / f"embed/{model}/slides.h5ad")
        assert kept["embed", model] == set(embedded.obs_names)
        assert set(read_tsv(results / f"embed/{model}/slides.tsv").query("status == 'ok'").slide_id) == set(
            embedded.obs_names
        )
    assert kept["embed", "mean"] == {"sound-1", "sound-2", "unknown"}


def test_the_table_of_exclusions_counts_the_ledger(losses):
    ledger = read_tsv(losses[0] / "results/tables/ledger.tsv")
    table = read_tsv(losses[0] / "results/tables/exclusions.tsv")
    for (stage, model), rows in table.groupby(["stage", "model"]):
        counts = rows[rows.slides != ""].set_index("criterion").slides.astype(int)
        of_model = ledger[(ledger.stage == stage) & (ledger.model == model)]
        assert counts["left"] == (of_model.status == "ok").sum(), stage
        assert counts.drop("left").sum() == counts["left"], f"{stage}: came, less what was removed, is what is left"
        lost = of_model[(of_model.status != "ok") & (of_model.lost_at == stage)].reason.value_counts()
        assert {reason: -count for reason, count in lost.items()} == counts[counts < 0].to_dict()


def test_the_terminal_says_what_became_of_the_slides(losses):
    folder, summary = losses
    summary = summary[summary.index("What happened to the 8 slides") :]
    lines = {tuple(line.split()[:2]): line.split() for line in summary.splitlines() if line.startswith("  ")}
    assert lines["slides", "7"][1:3] == ["7", "1"]
    assert lines["tissue", "6"][1:3] == ["6", "1"]
    assert lines["tiles", GRID][2:4] == ["5", "1"]
    assert lines["features", f"{GRID},"][3:5] == ["3", "2"]
    assert lines["embed", "mean"][2:4] == ["3", "0"]
    assert "Set aside: 6 of 8 slides" in summary
    assert re.search(r"1  features, bad_features: the file of precomputed features .*not-a-number", summary, re.S)
    assert "in full: results/tables/ledger.tsv" in summary
    assert "\x1b" not in summary


def test_a_summary_at_any_time_and_one_of_a_stage(losses, repository):
    folder, _ = losses
    with_config = ["--configfile", "config.yaml", "--cores", "1"]
    summary = call_snakemake(folder, repository / "workflow/Snakefile", "summary", *with_config).stdout
    assert "Set aside: 6 of 8 slides" in summary
    assert summary.count("What happened to") == 1
