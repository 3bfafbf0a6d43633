"""A slide can be as broken as it likes and costs only itself: hundreds of them through inspection and tissue."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from broken_files import MUTATIONS, SUFFIXES, adversarial
from molpath.common.files import read_tsv
from molpath.common.reasons import OK, REASONS
from molpath.demo.histology import draw_section
from molpath.demo.slide_files import write_pyramid
from molpath.demo.truth import draw_truth, generator

MEMORY_MB, DEADLINE_S = 400, 30
PLAIN = {"photometric": "rgb", "metadata": None, "resolution": (5000, 5000), "resolutionunit": "CENTIMETER"}


@pytest.fixture(scope="module")
def good_files(tmp_path_factory):
    """Bytes of good files of about 100 kB by name: an SVS, plain TIFFs in tiles and in strips (all synthetic)."""
    folder = tmp_path_factory.mktemp("good")
    picture = draw_section(generator(0, "fuzz", "slide"), draw_truth(0, "fuzz"), 768, 640)
    write_pyramid(folder / "a.svs", picture, 20, aperio=True, with_mpp=True)
    write_pyramid(folder / "b.tiff", picture, 20, aperio=False, with_mpp=True)
    tifffile.imwrite(folder / "c.tiff", picture[::4, ::4], tile=(128, 128), compression="deflate", **PLAIN)
    tifffile.imwrite(folder / "d.tif", picture[::4, ::4], rowsperstrip=16, **PLAIN)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def mutants(files, rounds, seed):
    """(name, bytes) of `rounds` mutants by every mutation of every file."""
    for name, data in files.items():
        rng = np.random.default_rng([seed, len(data)])
        for mutate in MUTATIONS:
            for turn in range(rounds):
                yield f"{turn}-{mutate.__name__}-{name}", mutate(data, rng)


class Fuzzed:
    """A shard of broken files that went through both stages."""

    def __init__(self, folder: Path, files, settings, repository):
        slides = []
        for number, (name, data) in enumerate(files):
            path = folder / "files" / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            mpp = ("0.5", "")[number % 2]  # in half of them the sheet helps where the file lost its resolution
            slides.append({"slide_id": f"S{number}", "path": str(path), "mpp": mpp, "keep": "auto"})
        settings = settings | {"min_area_mm2": 0.0, "min_region_mm2": 0.001}  # the good files are small
        task = {"slides": slides, "settings": settings, "deadline_s": DEADLINE_S, "memory_mb": MEMORY_MB}
        (folder / "fuzz.json").write_text(json.dumps(task))
        done = subprocess.run(
            [sys.executable, repository / "tests/faults/fuzz_slides.py", folder],
            env=os.environ | {"PYTHONPATH": str(repository / "workflow/scripts"), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        self.held_mb, self.peak_mb = map(float, done.stdout.split()[-2:])
        self.names = [Path(slide["path"]).name for slide in slides]
        self.slide_ids = [slide["slide_id"] for slide in slides]
        self.inspected, self.assessed = (read_tsv(folder / f"{stage}.tsv") for stage in ("inspected", "assessed"))

    def check(self):
        """One row per slide, a known reason and words for each that is set aside, and the memory limit kept."""
        for table in (self.inspected, self.assessed):
            assert table.slide_id.tolist() == self.slide_ids
            bad = table[table.status != OK]
            assert set(bad.reason) <= set(REASONS)
            assert (bad.detail.str.strip() != "").all()
            assert (table[table.status == OK].reason == "").all()
        carried = self.inspected.status != OK
        assert (self.assessed.reason[carried] == self.inspected.reason[carried]).all()
        assert self.peak_mb <= self.held_mb + MEMORY_MB

    def reason_of(self, name):
        """Reason and detail of a file by its name."""
        row = self.assessed.iloc[self.names.index(name)]
        return row.reason, row.detail


def test_hundreds_of_broken_files(tmp_path, good_files, tissue_settings, repository):
    files = [*good_files.items(), *mutants(good_files, rounds=7, seed=1)]
    files += [(f"{name}{suffix}", good_files[name]) for name in good_files for suffix in SUFFIXES]
    assert len(files) >= 300
    shard = Fuzzed(tmp_path, files, tissue_settings, repository)
    shard.check()
    assert {shard.reason_of(name) for name in good_files} == {("", "")}, "the good files are not good"
    opened = shard.inspected.status == OK
    assert opened.sum() > 50, "too few files got as far as their pixels"
    lost = shard.assessed.lost_fraction.replace("", "0").astype(float)
    assert (lost[opened] > 0).sum() > 3, "broken pixels were not met"
    assert {"truncated", "unreadable", "no_resolution"} <= set(shard.inspected.reason)


def test_files_made_to_hurt(tmp_path, tissue_settings, repository):
    hurting = [*adversarial()]
    shard = Fuzzed(tmp_path, [(f"{name}.svs", data) for name, data, _ in hurting], tissue_settings, repository)
    shard.check()
    for name, _, words in hurting:
        reason, detail = shard.reason_of(f"{name}.svs")
        assert reason in ("unreadable", "truncated"), name
        assert words in detail, (name, detail)


def real_files(shared_data, names):
    """Bytes of real slides."""
    return {name: (shared_data / "slides" / name).read_bytes() for name in names}


def test_broken_copies_of_real_slides(tmp_path, shared_data, tissue_settings, repository):
    files = real_files(shared_data, ("cmu-1-small-region.svs", "small.svs", "boxes.tiff"))
    shard = Fuzzed(tmp_path, mutants(files, rounds=2, seed=2), tissue_settings, repository)
    shard.check()


@pytest.mark.slow
def test_thousands_of_broken_files(tmp_path, good_files, tissue_settings, repository):
    shard = Fuzzed(tmp_path, mutants(good_files, rounds=63, seed=3), tissue_settings, repository)
    assert len(shard.names) >= 3000
    shard.check()


@pytest.mark.slow
def test_hundreds_of_broken_copies_of_real_slides(tmp_path, shared_data, tissue_settings, repository):
    files = real_files(shared_data, ("cmu-1-small-region.svs", "tcga-cr-7395-01a-01-ts1.svs", "small.svs"))
    shard = Fuzzed(tmp_path, mutants(files, rounds=8, seed=4), tissue_settings, repository)
    shard.check()
