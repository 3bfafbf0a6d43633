"""The real slides through the same rules as any cohort: from inspection to slide embeddings, in one run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import anndata
import h5py
import numpy as np
import pytest
from molpath.common.files import read_tsv
from PIL import Image

GRID = "20x_256px_0px_overlap"
CONFIG = {
    "slides": {"sheet": "slides.tsv", "slides_per_job": 4, "max_failed_fraction": 0.9},
    "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.25}}},
    "features": {"encoders": {"efficientnet_lite0": {"adapter": "efficientnet_lite0"}}},
    # Threads' slide encoder at the paper's size with random weights: no omics belong to these slides.
    "pretrain": {"runs": {"paper": {"grid": "main", "encoder": "efficientnet_lite0", "cohorts": ["REAL"]}}},
    "embed": {
        "models": {
            "mean": {"kind": "mean", "grid": "main", "encoder": "efficientnet_lite0"},
            "random": {"kind": "random", "run": "paper"},
        },
        "use": ["mean", "random"],
    },
}


@pytest.fixture(scope="module")
def project(tmp_path_factory, shared_data, repository) -> Path:
    """A run over every real slide; the TCGA slide without resolution once as it is and once with mpp in the sheet."""
    folder = tmp_path_factory.mktemp("real")
    lines = ["slide_id\tcase_id\tpath\tcohort\tmpp"]
    for path in sorted((shared_data / "slides").iterdir()):
        lines.append(f"{path.stem}\t{path.stem}\t{path.resolve()}\tREAL\t")
        if path.stem.startswith("tcga"):
            lines.append(f"{path.stem}-mpp\t{path.stem}\t{path.resolve()}\tREAL\t0.5")
    (folder / "slides.tsv").write_text("\n".join(lines) + "\n")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    command = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    done = subprocess.run(
        [str(part) for part in (*command, "embed", "--configfile", "config.json", "--cores", "2")],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return folder


VERDICTS = {
    "boxes": "no_resolution",  # 72 dpi is no resolution
    "broken": "unreadable",
    "cmu-1-small-region": "",
    "small": "blank",
    "small_dicom": "unreadable",
    "smalltif": "unreadable",  # 16 bits a pixel: not H&E
    "tcga-cr-7395-01a-01-ts1": "no_resolution",
    "tcga-cr-7395-01a-01-ts1-mpp": "",
}
KEPT = sorted(slide for slide, reason in VERDICTS.items() if not reason)


def test_every_slide_has_the_right_verdict(project):
    table = read_tsv(project / "results/tables/slides.tsv").set_index("slide_id")
    assert {slide: table.reason[slide] for slide in VERDICTS} == VERDICTS
    assert set(table.reason[["unopenable", "unreadable"]]) == {"unreadable"}
    assert (table.detail[table.status == "set_aside"] != "").all()


def test_features_are_of_tissue_and_finite(project):
    for slide in KEPT:
        with h5py.File(project / f"results/wsi/{GRID}/features_efficientnet_lite0/{slide}.h5") as handle:
            features, coords = handle["features"][:].astype(np.float32), handle["coords"][:]
        assert features.shape == (len(coords), 1280)
        assert len(coords) > 10
        assert np.isfinite(features).all()
        assert features.std(0).max() > 0.1, "all patches look alike"


def test_embeddings_of_slides_and_cases(project):
    for model, width in (("mean", 1280), ("random", 1024)):
        slides = anndata.read_h5ad(project / f"results/embed/{model}/slides.h5ad")
        cases = anndata.read_h5ad(project / f"results/embed/{model}/cases.h5ad")
        assert sorted(slides.obs_names) == KEPT
        assert slides.shape[1] == cases.shape[1] == width
        assert np.isfinite(slides.X).all()


def test_nothing_of_a_label_or_macro_image_is_written(project, shared_data):
    """The slide has both; what was drawn of it shows its scan, and only a legend below."""
    import openslide

    slide = openslide.OpenSlide(shared_data / "slides/cmu-1-small-region.svs")
    assert {"label", "macro"} <= set(slide.associated_images)
    pictures = sorted((project / "results").rglob("cmu-1-small-region*.jpg"))
    assert pictures
    scan = slide.read_region((0, 0), 0, slide.dimensions).convert("RGB")
    for path in pictures:
        with Image.open(path) as image:
            width = image.width
            height = round(width * scan.height / scan.width)
            assert 0 <= image.height - height <= 60, "more than a legend below"
            shown = np.asarray(image.convert("RGB").crop((0, 0, width, height)), float)
        expected = np.asarray(scan.resize((width, height), Image.Resampling.BOX), float)
        assert np.median(np.abs(shown - expected)) < 8, path
    assert sorted((project / "results").rglob("cmu-1-small-region*.png")) == [
        project / "results/wsi/quality/cmu-1-small-region.png"
    ]
