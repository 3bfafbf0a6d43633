"""Every kind of intermediate file, damaged in every way: noticed and made again, or refused; never used.

The stages run in one process on three generated (synthetic) slides, as jobs run them; a few real runs of Snakemake end
the file.
"""

import functools
import json
import logging
import os
import shutil
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from few_slides import GRID, FewSlides
from molpath.common import job_files
from molpath.common.files import write_json, write_parquet
from molpath.common.h5ad import write_h5ad
from molpath.common.record import ChangedFile
from molpath.demo.cohort import make_cohort
from molpath.provenance.verification import orphans, verify_all
from projects import call_snakemake


def flip(path: Path, other: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "flip": flip,
    "truncate": lambda path, other: os.truncate(path, path.stat().st_size * 2 // 3),
    "empty": lambda path, other: os.truncate(path, 0),
    "replace": lambda path, other: path.write_bytes(other.read_bytes()),
    "delete": lambda path, other: path.unlink(),
}
#: Files of slide A and, to replace them, another's, below wsi/; the stage that makes them, those that read them.
OF_SLIDES = {
    "png": ("quality/A.png", "quality/B.png", "assess", ["tile"]),
    "geojson": ("contours_geojson/A.geojson", "contours_geojson/B.geojson", "assess", ["tile"]),
    "jpg": ("thumbnails/A.jpg", "thumbnails/B.jpg", "assess", ["show"]),
    "patches h5": (f"{GRID['name']}/patches/A_patches.h5", f"{GRID['name']}/patches/B_patches.h5", "tile", ["extract"]),
    "features h5": (
        f"{GRID['name']}/features_mean_colour/A.h5",
        f"{GRID['name']}/features_mean_colour/B.h5",
        "extract",
        ["pack", "embed"],
    ),
}
#: Declared files: stage of few_slides ('' for kinds that no stage there makes), stage whose folder it is in, name.
DECLARED = {
    "manifest of slides": ("inspect", "slides", "00000.tsv"),
    "manifest of tissue": ("assess", "tissue", "00000.tsv"),
    "manifest of tiles": ("tile", "tiles", "00000.tsv"),
    "manifest of features": ("extract", "features", "00000.tsv"),
    "store npy": ("pack", "pretrain", "00000.npy"),
    "store index": ("pack", "pretrain", "00000.tsv"),
    "block h5": ("embed", "embed", "00000.h5"),
    "embeddings h5ad": ("gather", "embed", "slides.h5ad"),
    "rna h5ad": ("", "omics", "rna.h5ad"),
    "dna h5ad": ("", "omics", "dna.h5ad"),
    "safetensors": ("", "model", "model.safetensors"),
    "parquet": ("", "probe", "predictions.parquet"),
    "json": ("", "model", "config.json"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> FewSlides:
    """Every stage, run once; tests change copies."""
    from safetensors.numpy import save_file

    few = FewSlides(tmp_path_factory.mktemp("few") / "whole")
    few.draw()
    few.run()
    outputs = {kind: Path(few.path(*DECLARED[kind][1:])) for kind in DECLARED if not DECLARED[kind][0]}
    for path in outputs.values():
        path.parent.mkdir(exist_ok=True)
    for seed, kind in enumerate(("rna h5ad", "dna h5ad")):
        write_h5ad(outputs[kind], anndata.AnnData(np.full((3, 4), seed, np.float32)))
    save_file({"weight": np.arange(50, dtype=np.float32)}, outputs["safetensors"])
    write_parquet(outputs["parquet"], pd.DataFrame({"case_id": ["A", "B"], "score": [0.1, 0.9]}))
    write_json(outputs["json"], {"run": {"name": "one"}})
    job_files.record(map(str, outputs.values()), str(few.results))
    assert verify_all(few.results) == orphans(few.results) == []
    return few


@pytest.fixture
def few(whole, tmp_path) -> FewSlides:
    """A copy to damage."""
    copy = FewSlides(whole.results.parent.with_name(tmp_path.name))
    shutil.copytree(whole.results, copy.results)
    yield copy
    shutil.rmtree(copy.results.parent)


def other_code(few: FewSlides, stage: str) -> None:
    """A stage, which finds nothing of its own code."""
    few.code = "another"
    try:
        getattr(few, stage)()
    finally:
        few.code = "0"


def contents(folder: Path) -> dict[str, bytes]:
    """Every result but records, which hold times."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name != ".record"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", OF_SLIDES)
def test_files_of_slides(few, kind, damage, caplog):
    caplog.set_level(logging.WARNING)
    name, other, stage, readers = OF_SLIDES[kind]
    before, path = contents(few.results), few.wsi / name
    DAMAGE[damage](path, few.wsi / other)
    assert any(path.name in message for message in verify_all(few.results)), "verify names it"
    left = contents(few.results)
    for reader in readers:
        if (kind, damage) != ("jpg", "delete"):  # a page without a picture says so
            with pytest.raises(ChangedFile, match=rf"{path.name} .* Run `snakemake --forcerun"):
                other_code(few, reader)
    shutil.rmtree(few.results / "embed", ignore_errors=True)
    assert {key: value for key, value in left.items() if key.startswith("wsi/")} == {
        key: value for key, value in contents(few.results).items() if key.startswith("wsi/")
    }, "a refused file is left to be looked at"
    caplog.clear()
    for act in ("inspect", "assess", "tile", "extract", "pack", "embed", "gather")[
        ("inspect", "assess", "tile", "extract").index(stage) :
    ]:
        getattr(few, act)()
    if damage != "delete" and stage != "assess":  # a child process reports them: see test_real_runs
        assert f"{path} is damaged" in caplog.text
    after = {key: value for key, value in contents(few.results).items() if ".finished" not in key}
    assert after == {key: value for key, value in before.items() if ".finished" not in key}
    assert verify_all(few.results) == []


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kind", DECLARED)
def test_declared_files(few, kind, damage):
    stage, folder, name = DECLARED[kind]
    path = Path(few.path(folder, name))
    before = path.read_bytes()
    # Another file of its kind: for tables one with another row, else the first bytes of another result.
    other = few.results / "other"
    other.write_bytes(before.replace(b"A", b"B", 1) if b"A" in before else before[::-1])
    DAMAGE[damage](path, other)
    other.unlink()
    assert any(str(path.relative_to(few.results)) in message for message in verify_all(few.results)), "verify names it"
    if damage != "delete":  # Snakemake makes what is missing
        with pytest.raises(job_files.ChangedInput, match=rf"{path.name} .*run `snakemake --forcerun .*{path.name}`"):
            job_files.check([str(path)])
    if stage:
        getattr(few, stage)()
        assert path.read_bytes() == before
        assert verify_all(few.results) == []


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("kept", ["pretrain/patches.npy", "pretrain/index.tsv", "embed/block.h5", "embed/complete"])
def test_kept_results(few, kept, damage, caplog):
    caplog.set_level(logging.INFO)
    stage, name = kept.split("/")
    (folder,) = (few.results / stage / ".finished").glob("*/")
    before, path = contents(few.results), folder / name
    DAMAGE[damage](path, few.results / "sheet.tsv")
    gone = name == "complete" and damage == "delete"  # what no marker ends is no kept result
    assert gone or any(f".finished/{folder.name}/" in message for message in verify_all(few.results))
    getattr(few, {"pretrain": "pack", "embed": "embed"}[stage])()
    assert "taken from .finished" not in caplog.text
    assert gone or "removed, and the work is done again" in caplog.text
    assert contents(few.results) == before
    assert verify_all(few.results) == []


def test_outputs_and_kept_results_are_never_one_file(few):
    for path in few.results.rglob("*"):
        assert path.is_dir() or path.stat().st_nlink == 1, path


def test_every_job_looks_at_its_inputs_and_records_what_it_made(repository):
    for path in (repository / "workflow/scripts").glob("*.py"):
        begins = path.read_text().split('if __name__ == "__main__":\n')[1]
        assert begins.startswith("    joblog.start(snakemake)\n"), path.name


CONFIG = {
    "slides": {"sheet": "slides.tsv", "slides_per_job": 14, "max_failed_fraction": 0.9},
    "tiles": {"grids": {"main": {"patch_size": 256, "min_tissue": 0.25}}},
    "features": {
        "encoders": {"tiny": {"adapter": "mean_colour"}},
        "use": [{"grid": "main", "encoder": "tiny"}],
    },
    "embed": {"models": {"mean": {"kind": "mean", "grid": "main", "encoder": "tiny"}}, "use": ["mean"]},
}


def test_real_runs(tmp_path, repository):
    """Damaged files of slides are made again, the rest of the shard is left alone; a damaged manifest is refused."""
    make_cohort(tmp_path, n_cases=5, seed=3)
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    arguments = ["--configfile", "config.json", "--cores", "2"]
    start = functools.partial(call_snakemake, tmp_path, repository / "workflow/Snakefile")
    done = start("embed", *arguments)
    assert done.returncode == 0, done.stdout[-4000:]
    results = tmp_path / "results"
    before = {
        name: content for name, content in contents(results).items() if name.split("/")[0] not in ("logs", "benchmarks")
    }
    (victim, spared, *_) = sorted((results / "wsi/20x_256px_0px_overlap/features_tiny").glob("*.h5"))
    written = spared.stat().st_mtime_ns
    quality = results / f"wsi/quality/{victim.stem}.png"
    for path in (victim, quality):
        flip(path, path)
    output = start("verify", *arguments).stdout
    assert str(victim.relative_to(tmp_path)) in output
    assert str(quality.relative_to(tmp_path)) in output
    done = start("embed", *arguments, "--forcerun", "assess_tissue")
    assert done.returncode == 0, done.stdout[-4000:]
    for log, path in (("tissue", quality), ("features/20x_256px_0px_overlap/tiny", victim)):
        assert f"{path.name} is damaged" in (results / f"logs/{log}/00000.log").read_text()
    assert spared.stat().st_mtime_ns == written
    after = contents(results)
    assert {name for name in before if after.get(name) != before[name]} == set()
    manifest = results / "features/20x_256px_0px_overlap/tiny/00000.tsv"
    manifest.write_text(manifest.read_text().replace("\tok\t", "\tok \t", 1))
    done = start("embed", *arguments, "--forcerun", "embed_block")
    assert done.returncode != 0
    assert f"{manifest.relative_to(tmp_path)} has changed since it was made" in done.stdout
    done = start("embed", *arguments, "--forcerun", str(manifest.relative_to(tmp_path)))
    assert done.returncode == 0, done.stdout[-4000:]
    assert start("verify", *arguments).returncode == 0
